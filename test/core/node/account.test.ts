import assert from "node:assert/strict";
import { findAccount, lookupAccount } from "../../../core/node/account.js";
import { hasCode } from "../../../core/errors/error.js";

describe("account", () => {
  const passwd = [
    "root:x:0:0:root:/root:/bin/bash",
    "al:x:1000:1000::/home/al:/bin/zsh",
    "alice:x:1001:1002:Alice,,,:/home/alice:",
    "homeless:x:1003:1003:::/usr/sbin/nologin",
    "broken:x:one:1:::",
    "short:x",
  ].join("\n");

  it("finds a name exactly", () => {
    assert.deepEqual(findAccount(passwd, "al"), {
      name: "al",
      uid: 1000,
      gid: 1000,
      home: "/home/al",
      shell: "/bin/zsh",
    });
  });

  it("fills in what passwd leaves out", () => {
    assert.equal(findAccount(passwd, "alice")?.shell, "/bin/sh");
    assert.equal(findAccount(passwd, "homeless")?.home, "/");
  });

  it("keeps the shell of an account that may not log in", () => {
    assert.equal(findAccount(passwd, "homeless")?.shell, "/usr/sbin/nologin");
  });

  it("passes over what it cannot read", () => {
    for (const name of ["broken", "short", "nobody", "x", ""])
      assert.equal(findAccount(passwd, name), undefined);
  });

  it("finds an account of this host", async () => {
    assert.equal((await lookupAccount("root")).uid, 0);
  });

  it("refuses unknown and malformed names", async () => {
    for (const name of ["no-such-user-here", "-x", "a:b", "a b", "", "../etc", "x\n", "x".repeat(100)]) {
      await assert.rejects(lookupAccount(name), (error) => hasCode(error, "access_denied"), name);
    }
  });
});
