/** `tctl get all`: what a cluster is made of, in the form that `teleport start --bootstrap` takes. */
import type { AuthApi } from "../../auth/client/api.js";
import { ZERO_TIME } from "../../resources/envelope.js";
import type { StoredToken } from "../../resources/token-codec.js";
import { resourceKind, type AnyResource } from "./resource-kinds.js";

/**
 * What is backed up, in the order in which it is read by people. What comes back by itself is left out: heartbeats,
 * sessions, invites, and what teleport.yaml says.
 */
const KINDS = [
  "cert_authority",
  "role",
  "user",
  "lock",
  "token",
  "trusted_cluster",
  "remote_cluster",
  "tunnel",
  "github",
  "oidc",
  "saml",
  "access_request",
  "cluster_config",
];

/** How `expires` of tokens of teleport.yaml reads. */
const STATIC = "1970-01-01T00:00:00Z";

/** The first line of a backup. */
export const BACKUP_WARNING =
  "# Holds private keys, password hashes and tokens of the cluster: keep it to yourself (chmod 600).\n";

/** Reads all resources with their secrets. */
export async function readBackup(api: AuthApi): Promise<AnyResource[]> {
  const resources: AnyResource[] = [];
  for (const kind of KINDS) {
    const found = await resourceKind(kind).read(api, { withSecrets: true, namespace: "default" });
    resources.push(...(kind === "token" ? dynamicTokens(found as StoredToken[]) : found));
  }
  return resources;
}

/** Without the tokens of teleport.yaml, and without invites, which are no join tokens. */
function dynamicTokens(tokens: readonly StoredToken[]): StoredToken[] {
  return tokens
    .filter(({ metadata, spec }) => metadata.expires !== STATIC && !spec.roles.includes("Signup"))
    .map((token) => {
      const { expires, ...metadata } = token.metadata;
      return expires === ZERO_TIME ? { ...token, metadata } : token;
    });
}
