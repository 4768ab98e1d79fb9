/** The full login: from a password to certificates, and to the authorities of all clusters (wire.md §4.2). */
import { lt, valid } from "semver";
import { badParameter, notFound, notImplemented } from "../../errors/error.js";
import { VERSION } from "../../grammar/version.js";
import { generateRsaKeyPair, privateKeyPem } from "../../pki/keys.js";
import { sshPublicLine } from "../../pki/ssh-key.js";
import { promptSecret } from "../prompt.js";
import { withAuth } from "./auth-client.js";
import { trustIn } from "./cluster-trust.js";
import { parseCredentials } from "./credentials.js";
import { fromCertAuthorities, fromHostSigners, type TrustedAuthorities } from "./host-authorities.js";
import type { StoredKey } from "./key-store.js";
import { advertisedAddresses } from "./ping-addresses.js";
import type { Profile } from "./profile.js";
import { proxyAddresses, type ProxyFlag } from "./proxy-address.js";
import { createWebClient, type WebClient } from "./web-client.js";
import type { PingReply } from "./web-replies.js";

/** What to log in to, and how. */
export interface LoginRequest {
  readonly proxy: ProxyFlag;
  readonly user: string;
  /** Cluster to go to; empty for the proxy's own. */
  readonly cluster: string;
  readonly ttlMs: number;
  readonly insecure: boolean;
  readonly skipVersionCheck: boolean;
  readonly connector: string | undefined;
  readonly certFormat: string | undefined;
}

/** A login that is not stored yet. */
export interface NewLogin {
  readonly profile: Profile;
  readonly key: StoredKey;
  readonly authorities: TrustedAuthorities;
}

/** Second factors that are a code to type. */
const CODES = new Set(["otp", "totp", "hotp"]);

/**
 * Logs in; asks for the password and, where needed, a one-time code. Throws `access_denied` with the proxy's words,
 * `not_found` for an unknown cluster, `not_implemented` for ways to log in that this release lacks.
 */
export async function performLogin(request: LoginRequest): Promise<NewLogin> {
  const first = createWebClient({ address: proxyAddresses(request.proxy).web, insecure: request.insecure });
  const ping = await first.ping(request.connector);
  checkVersion(ping, request);
  checkMethod(ping);
  const { web, ssh } = advertisedAddresses(request.proxy, ping);
  const client = isSame(web, proxyAddresses(request.proxy).web)
    ? first
    : createWebClient({ address: web, insecure: request.insecure });
  const { key, username, authorities } = await certify(client, request, ping);

  const credentials = parseCredentials(key);
  const profile: Profile = { web, ssh, user: username, cluster: request.cluster || credentials.rootCluster };
  const all = await withAuth(
    {
      profile,
      cluster: credentials.rootCluster,
      credentials,
      trust: trustIn(authorities),
      jumphost: undefined,
      isIdentity: true,
    },
    async (api) => fromCertAuthorities(await api.getCertAuthorities("host")),
  );
  if (!all.ssh.some(({ cluster }) => cluster === profile.cluster)) {
    throw notFound(`cluster ${profile.cluster} not found`);
  }
  return { profile, key, authorities: all };
}

async function certify(
  client: WebClient,
  request: LoginRequest,
  ping: PingReply,
): Promise<{ key: StoredKey; username: string; authorities: TrustedAuthorities }> {
  // RSA, since that is what every 4.2 server takes; made while the user types.
  const pair = generateRsaKeyPair();
  pair.catch(() => undefined);
  const password = await promptSecret(`Enter password for Teleport user ${request.user}: `);
  const otpToken = CODES.has(ping.secondFactor) ? await promptSecret("Enter your OTP token: ") : "";
  const { privateKey } = await pair;
  const publicKeyLine = sshPublicLine(privateKey);
  const reply = await client.login({
    user: request.user,
    password,
    otpToken: otpToken.trim(),
    publicKeyLine,
    ttlMs: request.ttlMs,
    routeToCluster: request.cluster,
    certFormat: request.certFormat,
  });
  const key: StoredKey = {
    privateKeyPem: privateKeyPem(privateKey),
    publicKeyLine,
    certificateLine: decode(reply.cert),
    tlsCertificatePem: decode(reply.tls_cert),
  };
  return { key, username: reply.username, authorities: fromHostSigners(reply.host_signers) };
}

function checkVersion(ping: PingReply, { skipVersionCheck }: LoginRequest): void {
  const { minClientVersion } = ping;
  if (skipVersionCheck || minClientVersion === "") return;
  if (valid(minClientVersion) === null) throw badParameter(`the proxy asks for an unreadable version of tsh`);
  if (lt(VERSION, minClientVersion)) {
    throw badParameter(
      `the proxy needs tsh ${minClientVersion} or newer, this is ${VERSION}: upgrade tsh, or use --skip-version-check`,
    );
  }
}

function checkMethod({ authType, secondFactor }: PingReply): void {
  if (authType !== "local") {
    throw notImplemented(`this tsh cannot log in through ${authType}: try --auth=local`);
  }
  if (secondFactor !== "off" && !CODES.has(secondFactor)) {
    throw notImplemented(
      `this tsh does not know the second factor ${secondFactor} that the cluster asks for`,
    );
  }
}

function isSame(a: { host: string; port: number }, b: { host: string; port: number }): boolean {
  return a.host === b.host && a.port === b.port;
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
