import { ZERO_TIME } from "./envelope.js";
import type { StoredToken } from "./token-codec.js";
import type { ProvisionToken } from "./token.js";

/** A join token in the form of a resource, as `tctl` shows it and conditions of rules see it. */
export function tokenResource(token: ProvisionToken): StoredToken {
  return {
    kind: "token",
    version: "v2",
    metadata: { name: token.token, expires: token.expires },
    spec: {
      roles: token.roles,
      ...(token.single_use && { single_use: true }),
      ...(token.host_id !== undefined && { host_id: token.host_id }),
    },
  };
}

/** The token of a resource. */
export function tokenOfResource({ metadata, spec }: StoredToken): ProvisionToken {
  return {
    token: metadata.name,
    roles: spec.roles,
    expires: metadata.expires ?? ZERO_TIME,
    ...(spec.single_use && { single_use: true }),
    ...(spec.host_id !== undefined && { host_id: spec.host_id }),
  };
}
