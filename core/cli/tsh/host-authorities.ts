/** Host authorities as the APIs give them, and as they are kept: SSH public blobs and PEM. */
import type { HostSigner } from "../../auth/client/api.js";
import { parseAuthorizedKey } from "../../pki/ssh-key.js";
import { splitPem } from "../../pki/x509.js";
import type { CertAuthority } from "../../resources/authority.js";
import type { HostAuthorities } from "./known-hosts.js";

/** The host authorities of some clusters. */
export interface TrustedAuthorities {
  readonly ssh: readonly HostAuthorities[];
  /** PEM, one certificate each. */
  readonly tls: readonly string[];
}

/** Reads the authorities of a login reply (wire.md §2.3). */
export function fromHostSigners(signers: readonly HostSigner[]): TrustedAuthorities {
  return {
    ssh: signers.map(({ domain_name, checking_keys }) => ({
      cluster: domain_name,
      keys: checking_keys.map(publicBlob),
    })),
    tls: signers.flatMap(({ tls_certs }) => tls_certs.flatMap(certificates)),
  };
}

/** Reads the authorities of the auth API. */
export function fromCertAuthorities(authorities: readonly CertAuthority[]): TrustedAuthorities {
  return {
    ssh: authorities.map(({ spec }) => ({
      cluster: spec.cluster_name,
      keys: spec.checking_keys.map(publicBlob),
    })),
    tls: authorities.flatMap(({ spec }) =>
      (spec.tls_key_pairs ?? []).flatMap(({ cert }) => (cert === undefined ? [] : certificates(cert))),
    ),
  };
}

function publicBlob(base64: string): Buffer {
  return parseAuthorizedKey(Buffer.from(base64, "base64").toString("utf8")).blob;
}

function certificates(base64: string): string[] {
  return splitPem(Buffer.from(base64, "base64").toString("utf8"));
}
