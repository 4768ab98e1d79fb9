/** The files that `tctl auth sign` writes in each format (features.md §7.4). */
import { badParameter } from "../../errors/error.js";
import type { CertAuthority } from "../../resources/authority.js";
import { formatIdentityFile } from "../identity-file.js";
import { hostAuthorityLine } from "./authority-lines.js";

/** How an identity is laid out in files. */
export type IdentityFormat = "file" | "openssh" | "tls";

/** A user's key and certificates, with the hosts that the user is to trust. */
export interface SignedIdentity {
  /** PEM. */
  readonly keyPem: string;
  /** authorized_keys-format certificate line. */
  readonly sshCertificate: string;
  readonly tlsCertificatePem: string;
  /** Host authorities of all known clusters. */
  readonly hostAuthorities: readonly CertAuthority[];
}

/** Checks a `--format`. Throws `bad_parameter`. */
export function parseIdentityFormat(format: string): IdentityFormat {
  if (format === "file" || format === "openssh" || format === "tls") return format;
  throw badParameter(`unsupported identity format: "${format}", use one of "file", "openssh", or "tls"`);
}

/** The files of an identity, path to content. */
export function identityFiles(
  out: string,
  format: IdentityFormat,
  identity: SignedIdentity,
): readonly (readonly [path: string, content: string])[] {
  const { keyPem, sshCertificate, tlsCertificatePem } = identity;
  const authorities = [...identity.hostAuthorities].sort((a, b) =>
    a.spec.cluster_name < b.spec.cluster_name ? -1 : 1,
  );
  const tlsAuthorities = authorities.flatMap(({ spec }) =>
    (spec.tls_key_pairs ?? []).flatMap(({ cert }) => (cert ? [fromBase64(cert)] : [])),
  );
  switch (format) {
    case "file": {
      const sshAuthorities = authorities.flatMap((authority) =>
        authority.spec.checking_keys.map((key) => hostAuthorityLine(authority, fromBase64(key))),
      );
      return [
        [
          out,
          formatIdentityFile({ keyPem, sshCertificate, tlsCertificatePem, sshAuthorities, tlsAuthorities }),
        ],
      ];
    }
    case "openssh":
      return opensshFiles(out, keyPem, sshCertificate);
    case "tls":
      return [
        [`${out}.key`, keyPem],
        [`${out}.crt`, tlsCertificatePem],
        [`${out}.cas`, tlsAuthorities.join("")],
      ];
  }
}

/** A key and its certificate where `ssh` and `sshd` look for them. */
export function opensshFiles(
  out: string,
  keyPem: string,
  certificate: string,
): readonly (readonly [path: string, content: string])[] {
  return [
    [out, keyPem],
    [`${out}-cert.pub`, `${certificate.trim()}\n`],
  ];
}

const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString();
