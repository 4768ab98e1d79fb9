/** Decides whether a host is the one that was dialled (wire.md §3.3). */
import { checkSshCertificate } from "../../pki/ssh-certificate.js";
import type { PresentedHost } from "../../ssh/host-verification.js";
import type { ClusterTrust } from "./cluster-trust.js";

/** The host that is expected. */
export interface ExpectedHost {
  /** The name it must prove. */
  readonly host: string;
  /** The cluster whose authority must vouch for it. */
  readonly cluster: string;
  readonly trust: ClusterTrust;
  readonly now: Date;
}

/**
 * Whether the host is trusted, or unknown: of an authority nobody has heard of, or without a certificate. Throws
 * `access_denied` for a host that proves to be another one, or whose certificate is not valid.
 */
export function checkHost(presented: PresentedHost, expected: ExpectedHost): "trusted" | "unknown" {
  const { trust, cluster, host, now } = expected;
  if (trust.hostKeys(host).some((key) => key.equals(presented.publicBlob))) return "trusted";
  const { certificate } = presented;
  const authorities = trust.sshAuthorities(cluster);
  if (certificate === undefined || !authorities.some((key) => key.equals(certificate.authority)))
    return "unknown";
  checkSshCertificate(certificate, { type: "host", authorities, principal: principalOf(host), now });
  return "trusted";
}

/** Hosts that listen on all addresses, or are on this machine, prove the loopback address. */
function principalOf(host: string): string {
  if (host === "localhost" || host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
