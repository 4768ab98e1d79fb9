import assert from "node:assert/strict";
import { checkHostName } from "../../../core/grammar/host-name.js";

describe("host names", () => {
  it("are names and addresses, returned as they are", () => {
    for (const name of ["node1", "db-1.Example.com", "_x", "127.0.0.1", "fe80::1%eth0", "[::1]"]) {
      assert.equal(checkHostName(name), name);
    }
  });

  it("hold nothing that is a pattern, ends a line or begins like an option", () => {
    for (const name of [
      "",
      "a b",
      "a,b",
      "*",
      "!a",
      "a?",
      "-a",
      ".a",
      "a\u001b[31mb",
      "a\n",
      "x".repeat(254),
    ]) {
      assert.throws(() => checkHostName(name), { code: "bad_parameter" }, JSON.stringify(name));
    }
  });

  it("are named in the message with their subject, and escaped", () => {
    assert.throws(() => checkHostName("a\u009bb", "nodename"), {
      message: /^nodename "a\\u009bb" cannot be a name of a host/,
    });
  });
});
