import assert from "node:assert/strict";
import { allowedLogins, deniedLogins, isUnixUserName } from "../../../core/access/logins.js";

describe("logins", () => {
  it("knows what can name a Unix user", () => {
    for (const name of ["root", "_apt", "user.name", "a@example.com", "svc$", "x".repeat(32), "ünal"]) {
      assert.equal(isUnixUserName(name), true, name);
    }
    for (const name of [
      "",
      "-oProxyCommand=x",
      "a b",
      "a:b",
      "a/b",
      "../x",
      "*",
      "a\n",
      "a\0",
      "x".repeat(33),
    ]) {
      assert.equal(isUnixUserName(name), false, JSON.stringify(name));
    }
  });

  it("drops trait values that cannot name a user", () => {
    const set = allowedLogins(["{{internal.logins}}", "{{broken", "ops"], {
      logins: ["root", "-x", "a b", "*", ""],
    });
    assert.deepEqual(set.names, ["root", "ops"]);
    assert.equal(set.has("*"), false);
  });

  it("denies the named ones, and all of them by a wildcard or an unreadable template", () => {
    assert.equal(deniedLogins(["root"], {}).has("dev"), false);
    assert.equal(deniedLogins(["root"], {}).has("root"), true);
    assert.equal(deniedLogins(["*"], {}).has("dev"), true);
    assert.equal(deniedLogins(["{{broken"], {}).has("dev"), true);
    assert.equal(deniedLogins(["{{external.missing}}"], {}).has("dev"), false);
    assert.equal(deniedLogins([], {}).has("dev"), false);
  });
});
