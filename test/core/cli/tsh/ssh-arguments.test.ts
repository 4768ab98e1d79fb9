import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { parseSshOptions } from "../../../../core/cli/tsh/ssh-options.js";
import { parseSshTarget } from "../../../../core/cli/tsh/ssh-target.js";

describe("the arguments of tsh ssh", () => {
  it("a user before the host goes before -l, and that before the local user", () => {
    assert.deepEqual(parseSshTarget("root@node1", "bob"), { login: "root", host: "node1" });
    assert.deepEqual(parseSshTarget("node1", "bob"), { login: "bob", host: "node1" });
    assert.deepEqual(parseSshTarget("node1", undefined), { login: userInfo().username, host: "node1" });
    assert.deepEqual(parseSshTarget("a@b.c@node1", undefined), { login: "a@b.c", host: "node1" });
  });

  it("labels, and IPv6 addresses with and without brackets", () => {
    assert.deepEqual(parseSshTarget("root@env=dev,role=db", undefined), {
      login: "root",
      labels: { env: "dev", role: "db" },
    });
    assert.deepEqual(parseSshTarget("root@[::1]", undefined), { login: "root", host: "::1" });
    assert.deepEqual(parseSshTarget("root@::1", undefined), { login: "root", host: "::1" });
  });

  it("a port in the host is refused with the flag to use", () => {
    assert.throws(() => parseSshTarget("root@node1:22", undefined), /--port=N/);
    for (const bad of ["", "root@", "a b", "a/b"]) assert.throws(() => parseSshTarget(bad, undefined));
  });

  it("-o takes both forms and any letter case, warns of what has no effect and refuses the rest", () => {
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    const options = parseSshOptions(
      ["StrictHostKeyChecking=no", "requesttty yes", "Ciphers=aes128-ctr"],
      warn,
    );
    assert.deepEqual(options, {
      requestTty: true,
      strictHostKeyChecking: false,
    });
    assert.deepEqual(parseSshOptions(["ForwardAgent local"], warn), { forwardAgent: "local" });
    assert.deepEqual(warnings, ["WARNING: Option 'Ciphers' is not supported."]);
    assert.throws(() => parseSshOptions(["Foo=1"], warn), { message: "unsupported option key: Foo" });
    assert.throws(() => parseSshOptions(["RequestTTY=maybe"], warn), {
      message: "unsupported option value: maybe",
    });
    assert.throws(() => parseSshOptions(["RequestTTY=toString"], warn), /unsupported option value/);
    assert.throws(() => parseSshOptions(["RequestTTY"], warn), /expected Key=Value/);
  });
});
