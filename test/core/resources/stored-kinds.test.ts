import assert from "node:assert/strict";
import { keys } from "../../../core/resources/keys.js";
import { shownKey, storedKind } from "../../../core/resources/stored-kinds.js";

describe("core/resources/stored-kinds", () => {
  const kinds: readonly (readonly [key: string, kind: string])[] = [
    [keys.clusterName, "cluster_name"],
    [keys.authority("host", "example.test"), "cert_authority"],
    [keys.user("alice"), "user"],
    [keys.passwordHash("alice"), "password"],
    [keys.totpStep("alice"), "credential"],
    [keys.attempt("alice", "1"), "login_attempt"],
    [keys.webSession("alice", "1"), "web_session"],
    [keys.token("abc"), "token"],
    [keys.singleUseToken("abc"), "token"],
    [keys.signupToken("abc"), "invite"],
    [keys.node("default", "1"), "node"],
    [keys.lock("1"), "lock"],
    ["/something/else", "other"],
  ];
  for (const [key, kind] of kinds) {
    it(`takes ${key} for ${kind}`, () => assert.equal(storedKind(key).name, kind));
  }

  it("shows keys but for those that are secrets", () => {
    assert.equal(shownKey(keys.user("alice")), keys.user("alice"));
    for (const key of [keys.token("hunter2"), keys.singleUseToken("hunter2"), keys.signupToken("hunter2")]) {
      assert.doesNotMatch(shownKey(key), /hunter2/);
    }
  });

  it("tells what cannot be read", () => {
    const bytes = Buffer.from("{");
    for (const key of [keys.user("alice"), keys.attempt("alice", "1"), keys.lock("1")]) {
      assert.throws(() => storedKind(key).decode(key, bytes), { code: "corrupt" });
    }
    assert.throws(() => storedKind(keys.passwordHash("a")).decode(keys.passwordHash("a"), Buffer.alloc(0)), {
      code: "corrupt",
    });
  });
});
