import { X509Certificate } from "node:crypto";
import { accessDenied } from "../../errors/error.js";
import { parseTlsIdentity, type TlsIdentity } from "../../pki/tls-identity.js";
import type { AuthorityType } from "../../resources/authority.js";

/** A TLS authority whose certificates the API accepts from its callers. */
export interface TrustedAuthority {
  readonly cluster: string;
  readonly type: AuthorityType;
  readonly certPem: string;
}

/** What a caller's certificate proves: an identity, and which authority vouches for it. */
export interface VerifiedPeer {
  readonly identity: TlsIdentity;
  readonly authority: { readonly type: AuthorityType; readonly clusterName: string };
}

const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/**
 * Checks that `certificate` is signed directly by one of `authorities`, is valid at `now`, and is meant for clients
 * (wire.md §5.1). Intermediate certificates are not supported. Throws `access_denied`.
 */
export function verifyPeer(
  certificate: X509Certificate,
  authorities: readonly TrustedAuthority[],
  now: Date,
): VerifiedPeer {
  const authority = authorities.find(({ certPem }) => issued(new X509Certificate(certPem), certificate));
  if (!authority) {
    throw accessDenied("the client certificate was not issued by an authority of this cluster");
  }
  if (now < new Date(certificate.validFrom)) {
    throw accessDenied("the client certificate is not valid yet: check the clocks of both machines");
  }
  if (now > new Date(certificate.validTo)) {
    throw accessDenied("the client certificate has expired");
  }
  // Node calls the extended key usage `keyUsage`.
  if (certificate.ca || !(certificate.keyUsage as string[] | undefined)?.includes(CLIENT_AUTH)) {
    throw accessDenied("the certificate is not one for clients");
  }
  const identity = parseTlsIdentity(certificate);
  if (identity.issuerCluster !== authority.cluster) {
    throw accessDenied("the client certificate names another cluster than its authority");
  }
  return { identity, authority: { type: authority.type, clusterName: authority.cluster } };
}

function issued(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}
