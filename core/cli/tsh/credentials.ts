/** Who somebody is: a private key with its SSH and TLS certificates, from the key store or an identity file. */
import { type KeyObject, X509Certificate } from "node:crypto";
import { corrupt } from "../../errors/error.js";
import { parsePrivateKey } from "../../pki/keys.js";
import { parseSshCertificateLine, type SshCertificate } from "../../pki/ssh-certificate.js";
import { sshPublicBlob } from "../../pki/ssh-key.js";
import { parseTlsIdentity } from "../../pki/tls-identity.js";

/** A user's key and certificates. */
export interface Credentials {
  readonly user: string;
  readonly privateKey: KeyObject;
  readonly privateKeyPem: string;
  readonly certificate: SshCertificate;
  readonly tlsCertificatePem: string;
  /** The cluster whose authority issued the certificates: the one the proxy belongs to. */
  readonly rootCluster: string;
}

/** The texts that credentials are made of. */
export interface CredentialTexts {
  readonly privateKeyPem: string;
  readonly certificateLine: string;
  readonly tlsCertificatePem: string;
}

/**
 * Reads and checks credentials; expired ones are read too. Throws `corrupt` where they do not fit together, and
 * `bad_parameter` where one of them cannot be read.
 */
export function parseCredentials(texts: CredentialTexts): Credentials {
  const privateKey = parsePrivateKey(texts.privateKeyPem);
  const certificate = parseSshCertificateLine(texts.certificateLine);
  const tls = new X509Certificate(texts.tlsCertificatePem);
  if (!certificate.publicBlob.equals(sshPublicBlob(privateKey)) || !tls.checkPrivateKey(privateKey)) {
    throw corrupt("the certificates do not belong to the private key: log in again");
  }
  if (certificate.type !== "user" || certificate.principals.length === 0) {
    throw corrupt("the SSH certificate is not that of a user with logins: log in again");
  }
  return {
    user: certificate.keyId,
    privateKey,
    privateKeyPem: texts.privateKeyPem,
    certificate,
    tlsCertificatePem: texts.tlsCertificatePem,
    rootCluster: parseTlsIdentity(tls).issuerCluster,
  };
}

/** Whether the SSH certificate has expired. */
export function hasExpired({ certificate }: Credentials, now: Date): boolean {
  return certificate.validBefore !== null && now >= certificate.validBefore;
}
