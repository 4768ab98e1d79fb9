import type { StoredToken } from "./token-codec.js";
import type { ProvisionToken } from "./token.js";

/** A join token in the form of a resource, as `tctl` shows it and conditions of rules see it. */
export function tokenResource(token: ProvisionToken): StoredToken {
  return {
    kind: "token",
    version: "v2",
    metadata: { name: token.token, expires: token.expires },
    spec: { roles: token.roles },
  };
}
