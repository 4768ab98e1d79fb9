import assert from "node:assert/strict";
import { below, isKeySegment, keys } from "../../../core/resources/keys.js";

describe("keys", () => {
  it("cover a name and not its neighbours", () => {
    const { start, end } = below(keys.ofUser("al"));
    const covers = (key: string): boolean => key >= start && key < end;
    assert.ok(covers(keys.user("al")) && covers(keys.passwordHash("al")) && covers(keys.attempt("al", "x")));
    for (const neighbour of ["alice", "al-", "al.", "al0", "al:", "aL", "a"]) {
      assert.ok(!covers(keys.user(neighbour)), neighbour);
    }
  });

  it("are refused as prefixes without a slash at the end", () => {
    assert.throws(() => below("/roles"), { code: "bad_parameter" });
  });

  for (const name of ["", "a/b", "..", ".", "a b", "a+b", "a\u0000", "é", "x".repeat(257)]) {
    it(`are not made of ${JSON.stringify(name.slice(0, 8))}`, () => {
      assert.equal(isKeySegment(name), false);
      for (const make of [keys.user, keys.role, keys.token, keys.signupToken, keys.proxy, keys.namespace]) {
        assert.throws(() => make(name), { code: "bad_parameter" });
      }
    });
  }

  it("of ours lie where 4.2 lists nothing", () => {
    const listed = [
      ...["/authorities", "/tokens", "/cluster_configuration", "/namespaces", "/roles", "/access_requests"],
      ...["/web", "/nodes", "/proxies", "/authservers", "/tunnelConnections", "/reverseTunnels"],
      ...["/addusertokens", "/remoteClusters", "/trustedclusters", "/plugin_data", "/authentication"],
    ];
    for (const prefix of listed) {
      assert.ok(!keys.singleUseTokens.startsWith(prefix), prefix);
    }
  });
});
