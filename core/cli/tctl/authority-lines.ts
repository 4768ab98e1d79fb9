/** Certificate authorities as lines of OpenSSH's files (features.md §2.4). */
import { isIP } from "node:net";
import { errorMessage, unavailable } from "../../errors/error.js";
import { parseAddress, type Address } from "../../grammar/address.js";
import type { CertAuthority } from "../../resources/authority.js";
import type { Server } from "../../resources/server.js";

const SSH_PORT = 22;
const PROXY_SSH_PORT = 3023;
const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/**
 * A line for known_hosts: hosts of the cluster, and those that `patterns` match, are trusted by their certificates.
 * `key` is an authorized_keys line.
 */
export function hostAuthorityLine(
  { spec }: CertAuthority,
  key: string,
  patterns: readonly string[] = [],
): string {
  const hosts = [`*.${spec.cluster_name}`, ...patterns].join(",");
  return `@cert-authority ${hosts} ${key.trim()} type=${spec.type}`;
}

/** A line for authorized_keys: users with a certificate of the cluster may log in. */
export function userAuthorityLine({ spec }: CertAuthority, key: string): string {
  return `cert-authority ${key.trim()} ${new URLSearchParams({ clustername: spec.cluster_name, type: spec.type }).toString()}`;
}

/**
 * known_hosts patterns of the names under which clients reach the proxies' SSH service. Other ports than 22 stand in
 * the pattern: the authority is then not believed for whatever else listens on that host.
 */
export function proxyPatterns(proxies: readonly Server[]): string[] {
  const patterns = proxies.flatMap(({ spec }) => {
    const ssh = addressOf(spec.addr, PROXY_SSH_PORT);
    const web = spec.public_addr ? [addressOf(spec.public_addr, ssh.port).host] : [];
    return [ssh.host, ...web].flatMap(withLoopbackName).map((host) => pattern(host, ssh.port));
  });
  return [...new Set(patterns)].filter((text) => text !== "");
}

function addressOf(text: string, defaultPort: number): Address {
  try {
    return parseAddress(text, defaultPort);
  } catch (cause) {
    throw unavailable(`a proxy announces an address that cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

/** A proxy that is reached by loopback is known to its users as `localhost`. */
function withLoopbackName(host: string): string[] {
  const loopback = host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
  return loopback ? [host, "localhost"] : [host];
}

function pattern(host: string, port: number): string {
  if (UNSPECIFIED.has(host)) return "";
  const name = host.toLowerCase();
  return port === SSH_PORT ? name : `[${name}]:${port}`;
}
