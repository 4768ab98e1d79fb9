import type { ProvisionToken, SystemRole } from "../../resources/token.js";
import type { Resource } from "../../resources/envelope.js";

/** A join token in the form of a resource, as `tokens ls --format=json` and `get tokens` show it. */
export function tokenResource(token: ProvisionToken): Resource<"token", { roles: SystemRole[] }> {
  return {
    kind: "token",
    version: "v2",
    metadata: { name: token.token, expires: token.expires },
    spec: { roles: token.roles },
  };
}
