/** X.509 certificates as 4.2 makes them: a cluster's TLS authorities, and what those issue to users and hosts. */
import { type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { badParameter } from "../errors/error.js";
import { children, decodeDer } from "./der.js";
import type { KeyPair } from "./keys.js";
import { subjectName, type TlsSubject } from "./tls-identity.js";
import { authorityExtensions, leafExtensions } from "./x509-extensions.js";
import { ATTRIBUTE, encodeName } from "./x509-name.js";
import { signCertificate } from "./x509-sign.js";

const AUTHORITY_LIFETIME_MS = 315_360_000_000;

/** What a new TLS certificate is to say, and who signs it. */
export interface TlsCertificateTemplate {
  readonly subject: TlsSubject;
  readonly publicKey: KeyObject;
  readonly authority: { readonly certPem: string; readonly key: KeyObject };
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DNS names; those that are IP addresses become IP SANs. */
  readonly dnsNames?: readonly string[];
}

/** Makes the self-signed certificate of a new TLS authority: PEM, valid for ten years from `now` (wire.md §1.2). */
export function createTlsAuthority(clusterName: string, key: KeyPair, now: Date): string {
  const serial = randomBytes(16);
  const name = encodeName([
    [ATTRIBUTE.organization, [clusterName]],
    [ATTRIBUTE.commonName, [clusterName]],
    // Rotated authorities of one cluster must not share a name.
    [ATTRIBUTE.serialNumber, [BigInt(`0x${serial.toString("hex")}`).toString()]],
  ]);
  const parts = {
    serial,
    issuer: name,
    subject: name,
    notBefore: now,
    notAfter: new Date(now.getTime() + AUTHORITY_LIFETIME_MS),
    publicKey: key.publicKey,
    extensions: authorityExtensions(key.publicKey),
  };
  return signCertificate(parts, key.privateKey);
}

/**
 * Issues a user's or host's certificate as PEM (wire.md §1.5). Throws `bad_parameter` for an empty subject, for a
 * validity that ends before it starts, and where the authority's key is not that of its certificate.
 */
export function issueTlsCertificate(template: TlsCertificateTemplate): string {
  const { subject, publicKey, notBefore, notAfter } = template;
  const authority = parseCertificate(template.authority.certPem);
  if (!authority.checkPrivateKey(template.authority.key)) {
    throw badParameter("the authority's private key does not belong to its certificate");
  }
  if (subject.username === "" || subject.roles.length === 0 || subject.roles.includes("")) {
    throw badParameter("a TLS certificate needs a name and at least one role");
  }
  if (!(notBefore < notAfter)) {
    throw badParameter("a TLS certificate must end after it starts");
  }
  const authorityFields = children(children(decodeDer(authority.raw))[0]);
  const parts = {
    serial: randomBytes(16),
    issuer: authorityFields[5] ?? encodeName([]),
    subject: encodeName(subjectName(subject)),
    notBefore,
    notAfter,
    publicKey,
    extensions: leafExtensions(authority, template.dnsNames ?? []),
  };
  return signCertificate(parts, template.authority.key);
}

/** Reads the first certificate of a PEM text. Throws `bad_parameter`. */
export function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw badParameter("not a certificate: expected PEM with the label CERTIFICATE", { cause });
  }
}

/** The certificates of a PEM text, one by one, each ending with a newline. What lies between them is dropped. */
export function splitPem(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => `${block}\n`);
}
