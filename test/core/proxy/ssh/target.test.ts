import assert from "node:assert/strict";
import { directTarget, parseProxySubsystem } from "../../../../core/proxy/ssh/target.js";

describe("proxy: subsystem grammar", () => {
  const cases: [string, [string, number, string, string]][] = [
    ["proxy:node1:22", ["node1", 22, "default", ""]],
    ["proxy:node1:0@default@wire.test", ["node1", 0, "default", "wire.test"]],
    ["proxy:node1:@leaf", ["node1", 0, "default", "leaf"]],
    ["proxy:node1", ["node1", 0, "default", ""]],
    ["proxy:node1:3022@other@a@b", ["node1", 3022, "other", "a@b"]],
    ["proxy:@wire.test", ["", 0, "default", "wire.test"]],
    ["proxy:[::1]:3022", ["::1", 3022, "default", ""]],
  ];
  for (const [name, [host, port, namespace, cluster]] of cases) {
    it(`reads ${name}`, () => {
      assert.deepEqual(parseProxySubsystem(name), { host, port, namespace, cluster });
    });
  }

  for (const name of [
    "proxy:",
    "proxy:@",
    "proxy::22",
    "proxy:a:70000",
    "proxy:a:b",
    "proxy:a:22:33",
    "sftp",
  ]) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parseProxySubsystem(name), {
        code: "bad_parameter",
        message: `invalid format for proxy request: "${name}", expected 'proxy:host:port@cluster'`,
      });
    });
  }

  it("strips the brackets that ssh -W puts around an IPv6 address", () => {
    assert.equal(directTarget("[::1]", 22).host, "::1");
  });
});
