import { accessDenied, badParameter } from "../../errors/error.js";
import { tokenResource } from "../../resources/token-resource.js";
import { isSystemRole, type ProvisionToken } from "../../resources/token.js";
import { ZERO_TIME } from "../../resources/envelope.js";
import type { RuleThing } from "../authorization.js";
import type { AuthApi } from "../client/api.js";
import { parseSubjectKey } from "../public-key.js";
import { fromBase64 } from "../base64.js";
import { changed, stored } from "./rule-things.js";
import type { CallScope } from "./scope.js";

/** Join tokens, and certificates for hosts. */
export function joinCalls({
  caller,
  may,
  services,
}: CallScope): Pick<
  AuthApi,
  | "generateToken"
  | "createToken"
  | "upsertToken"
  | "getToken"
  | "getTokens"
  | "deleteToken"
  | "registerUsingToken"
  | "generateServerKeys"
  | "generateHostCert"
> {
  const { joinTokens, joins, hostCertificates, clusterName } = services;
  const known = async (token: string): Promise<object> => tokenResource(await joinTokens.get(token));
  const requireChange = (token: ProvisionToken, ...verbs: string[]): Promise<void> =>
    may.requireOn("token", verbs, () => changed(tokenResource(token), known(token.token)));
  return {
    async generateToken(request) {
      const { roles, token } = request;
      await requireChange({ roles, token, expires: ZERO_TIME }, "create");
      return joinTokens.generate(request);
    },
    async createToken(token) {
      await may.requireOn("token", ["create"], () => stored(tokenResource(token)));
      return joinTokens.create(token);
    },
    async upsertToken(token) {
      await requireChange(token, "create", "update");
      return joinTokens.put(token);
    },
    async getToken(token) {
      await may.requireOn("token", ["read"], () => stored(known(token)));
      return joinTokens.get(token);
    },
    async getTokens() {
      const thing = (token: ProvisionToken): RuleThing => ({ resource: tokenResource(token) });
      return may.visible("token", () => joinTokens.list(), { thing });
    },
    async deleteToken(token) {
      await may.requireOn("token", ["delete"], () => stored(known(token)));
      return joinTokens.delete(token);
    },
    registerUsingToken: (request) => joins.register(request, caller),
    generateServerKeys: (request) => joins.renew(request, caller),
    async generateHostCert({
      key,
      hostname,
      node_name: nodeName,
      principals,
      auth_domain: domain,
      roles,
      ttl,
    }) {
      await may.require("host_cert", "create");
      const [role, ...others] = roles;
      if (role === undefined || others.length > 0 || !isSystemRole(role)) {
        throw badParameter("a host certificate has exactly one role, such as Node");
      }
      if (domain !== "" && domain !== clusterName) {
        throw accessDenied(`this auth service issues certificates for the cluster ${clusterName} only`);
      }
      // A certificate that only names principals (`tctl auth sign --host`) has neither host id nor node name.
      const base = [hostname, nodeName].filter((name) => name !== "");
      const names = base.flatMap((name) => [`${name}.${clusterName}`, name]);
      return hostCertificates.issueSsh(
        { clusterName, role },
        parseSubjectKey(fromBase64(key)),
        [...new Set([...names, ...principals])],
        ttl / 1e6,
      );
    },
  };
}
