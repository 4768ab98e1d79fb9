import assert from "node:assert/strict";
import { formatAddress, parseAddress } from "../../../core/grammar/address.js";

describe("address", () => {
  const cases: [string, string, number, string][] = [
    ["example.com", "example.com", 3025, "example.com:3025"],
    ["example.com:1", "example.com", 1, "example.com:1"],
    ["tcp://10.0.0.1:80", "10.0.0.1", 80, "10.0.0.1:80"],
    ["127.0.0.1:0", "127.0.0.1", 0, "127.0.0.1:0"],
    ["::1", "::1", 3025, "[::1]:3025"],
    ["[fe80::1%eth0]:22", "fe80::1%eth0", 22, "[fe80::1%eth0]:22"],
    ["[::]", "::", 3025, "[::]:3025"],
  ];
  for (const [text, host, port, canonical] of cases) {
    it(`reads ${text}`, () => {
      assert.deepEqual(parseAddress(text, 3025), { host, port });
      assert.equal(formatAddress({ host, port }), canonical);
    });
  }
  for (const text of [
    "",
    ":3025",
    "host:",
    "host:99999",
    "host:port",
    "host:-1",
    "a:1:2",
    "[host]:1",
    "[::1",
    "::1]:1",
    "https://host",
    "ho st",
    "user@host",
    "host/path",
  ]) {
    it(`refuses '${text}'`, () => {
      assert.throws(() => parseAddress(text, 3025), { code: "bad_parameter" });
    });
  }
});
