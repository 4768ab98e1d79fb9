/** A new join token and the text that tells how to use it: what `nodes add` and `tokens add` share. */
import { X509Certificate } from "node:crypto";
import { parseTokenRoles } from "../../config/static-token.js";
import { readToken } from "../../config/token-value.js";
import { unavailable } from "../../errors/error.js";
import { caPin } from "../../pki/ca-pin.js";
import { terminalText } from "../terminal-text.js";
import type { TctlContext } from "./context.js";
import { isJson } from "./output-format.js";
import { parseTtl } from "./ttl.js";

/** Flags of a command that makes a join token. */
export interface JoinTokenFlags {
  /** `node,proxy`. */
  readonly roles: string;
  readonly ttl: string;
  /** A literal value, or the path of a file that holds it; absent for a random one. */
  readonly value?: string | undefined;
  readonly singleUse?: boolean | undefined;
  readonly format: string;
}

/** Makes a join token and prints it. `noAuthServers` is the text for a cluster in which nobody could use it. */
export async function addJoinToken(
  { api, print }: TctlContext,
  flags: JoinTokenFlags,
  noAuthServers: string,
): Promise<void> {
  const json = isJson(flags.format);
  const roles = parseTokenRoles(flags.roles);
  const ttlMs = parseTtl(flags.ttl);
  const value = flags.value === undefined ? "" : readToken(flags.value);
  const [authServer] = await api.getAuthServers();
  const forTrustedCluster = roles.some((role) => role === "Trusted_cluster" || role === "Trustedcluster");
  if (!authServer && !json && !forTrustedCluster) throw unavailable(noAuthServers);

  const token = await api.generateToken({
    roles,
    ttl: Math.round(ttlMs * 1e6),
    token: value,
    ...(flags.singleUse ? { single_use: true } : {}),
  });
  if (json) return print(JSON.stringify([token]));
  const minutes = Math.floor(ttlMs / 60_000);
  if (forTrustedCluster) return print(trustedClusterText(token, minutes));
  await print(
    nodeText({
      token,
      minutes,
      roles: roles.join(",").toLowerCase(),
      pin: caPin(firstCertificate(await api.getClusterCaCert())),
      authServer: terminalText(authServer?.spec.addr ?? ""),
    }),
  );
}

/** The authority that signs now comes first. */
const firstCertificate = (pem: string): string => new X509Certificate(pem).toString();

function trustedClusterText(token: string, minutes: number): string {
  return `The cluster invite token: ${token}
This token will expire in ${minutes} minutes

Use this token when defining a trusted cluster resource on a remote cluster.
`;
}

function nodeText(facts: {
  readonly token: string;
  readonly minutes: number;
  readonly roles: string;
  readonly pin: string;
  readonly authServer: string;
}): string {
  return `The invite token: ${facts.token}
This token will expire in ${facts.minutes} minutes

Run this on the new node to join the cluster:

> teleport start \\
   --roles=${facts.roles} \\
   --token=${facts.token} \\
   --ca-pin=${facts.pin} \\
   --auth-server=${facts.authServer}

Please note:

  - This invitation token will expire in ${facts.minutes} minutes
  - ${facts.authServer} must be reachable from the new node
`;
}
