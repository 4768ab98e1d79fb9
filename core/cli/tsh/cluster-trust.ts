/** Whom a client believes to be a proxy, a node or an auth server. */
import { splitPem } from "../../pki/x509.js";
import type { TrustedAuthorities } from "./host-authorities.js";
import type { KeyStore } from "./key-store.js";
import type { KnownHosts } from "./known-hosts.js";

/** Trusted authorities of clusters, and plain keys of single hosts. */
export interface ClusterTrust {
  /** Public blobs of the SSH authorities of a cluster's hosts. */
  sshAuthorities(cluster: string): readonly Buffer[];
  /** PEM of the trusted TLS host authorities. */
  tlsAuthorities(): readonly string[];
  /** Plain keys that the user trusts for this host. */
  hostKeys(host: string): readonly Buffer[];
  /** Remembers a plain key for a host. */
  trustHostKey(host: string, key: Buffer): void;
}

/** Trust as logins have left it on disk. */
export function storedTrust(keys: KeyStore, knownHosts: KnownHosts, proxyHost: string): ClusterTrust {
  return {
    sshAuthorities: (cluster) => knownHosts.authorities(cluster),
    tlsAuthorities: () => splitPem(keys.loadAuthorities(proxyHost)),
    hostKeys: (host) => knownHosts.trustedKeys(host),
    trustHostKey: (host, key) => knownHosts.trustKey(host, key),
  };
}

/** Trust in exactly these authorities. Host keys are remembered as long as the command runs. */
export function trustIn(authorities: TrustedAuthorities): ClusterTrust {
  const hostKeys = new Map<string, Buffer[]>();
  return {
    sshAuthorities: (name) => authorities.ssh.flatMap(({ cluster, keys }) => (cluster === name ? keys : [])),
    tlsAuthorities: () => authorities.tls,
    hostKeys: (host) => hostKeys.get(host) ?? [],
    trustHostKey: (host, key) => void hostKeys.set(host, [...(hostKeys.get(host) ?? []), key]),
  };
}
