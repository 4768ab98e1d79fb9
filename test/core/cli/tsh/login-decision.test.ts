import assert from "node:assert/strict";
import { decideLogin, type LoginSituation } from "../../../../core/cli/tsh/login-decision.js";

const VALID = { proxyHost: "proxy.example.com", user: "alice", cluster: "example.com" };
const NOTHING: LoginSituation = {
  valid: VALID,
  proxyHost: undefined,
  user: undefined,
  cluster: undefined,
  toFile: false,
};

describe("what tsh login does", () => {
  const cases: [string, Partial<LoginSituation>, ReturnType<typeof decideLogin>][] = [
    ["nothing given", {}, "status"],
    ["the same proxy and cluster", { proxyHost: VALID.proxyHost, cluster: VALID.cluster }, "status"],
    ["the same cluster", { cluster: VALID.cluster }, "status"],
    ["another cluster", { cluster: "leaf.example.com" }, "reissue"],
    ["another cluster of the same proxy", { proxyHost: VALID.proxyHost, cluster: "leaf" }, "reissue"],
    ["a proxy without a cluster", { proxyHost: VALID.proxyHost }, "login"],
    ["another proxy", { proxyHost: "other.example.com" }, "login"],
    ["another proxy with a cluster", { proxyHost: "other.example.com", cluster: VALID.cluster }, "login"],
    ["the same user", { user: VALID.user }, "status"],
    ["another user", { user: "bob", cluster: VALID.cluster }, "login"],
    ["a file to write", { toFile: true }, "login"],
    ["no valid login", { valid: undefined }, "login"],
    ["no valid login, and a cluster", { valid: undefined, cluster: "leaf" }, "login"],
  ];
  for (const [name, given, expected] of cases) {
    it(`${name}: ${expected}`, () => assert.equal(decideLogin({ ...NOTHING, ...given }), expected));
  }
});
