/**
 * Identity files: all that a client needs to act as a user, in one file of 4.2's format (features.md §7.4). A private
 * key (PEM), the SSH certificate line, the TLS certificate (PEM), then for each trusted cluster its host authorities
 * as `@cert-authority` lines and PEM certificates.
 */
import { badParameter } from "../errors/error.js";

/** The parts of an identity file. */
export interface IdentityFile {
  /** PEM; the key of both certificates. */
  readonly keyPem: string;
  /** authorized_keys-format user certificate line, without a newline. */
  readonly sshCertificate: string;
  readonly tlsCertificatePem: string;
  /** `@cert-authority` lines of the host authorities, without newlines. */
  readonly sshAuthorities: readonly string[];
  /** PEM of each host authority. */
  readonly tlsAuthorities: readonly string[];
}

const withNewline = (text: string): string => `${text.trim()}\n`;

/** The text of an identity file. */
export function formatIdentityFile(identity: IdentityFile): string {
  return [
    identity.keyPem,
    identity.sshCertificate,
    identity.tlsCertificatePem,
    ...identity.sshAuthorities,
    ...identity.tlsAuthorities,
  ]
    .map(withNewline)
    .join("");
}

const PEM = /^-----BEGIN ([A-Z ]+)-----\r?\n[^-]+^-----END \1-----\r?$/gm;

/** Reads an identity file; parts may stand in any order. `name` is for messages. Throws `bad_parameter`. */
export function parseIdentityFile(text: string, name: string): IdentityFile {
  const blocks = [...text.matchAll(PEM)].map(([pem, label]) => ({ pem: withNewline(pem), label: label! }));
  const keys = blocks.filter(({ label }) => label.endsWith("PRIVATE KEY"));
  const [tlsCertificate, ...authorities] = blocks.filter(({ label }) => label === "CERTIFICATE");
  const lines = text
    .replace(PEM, "")
    .split("\n")
    .map((line) => line.trim());
  const sshCertificate = lines.find((line) => /^(ssh|ecdsa)-\S+-cert-v01@openssh\.com /.test(line));
  const [key, secondKey] = keys;
  if (!key || secondKey || !sshCertificate || !tlsCertificate) {
    const missing = !key || secondKey ? "exactly one private key" : "an SSH and a TLS certificate";
    throw badParameter(
      `${name} is not an identity file: it must hold ${missing}; make one with 'tctl auth sign --user=USER --out=FILE'`,
    );
  }
  return {
    keyPem: key.pem,
    sshCertificate,
    tlsCertificatePem: tlsCertificate.pem,
    sshAuthorities: lines.filter((line) => line.startsWith("@cert-authority ")),
    tlsAuthorities: authorities.map(({ pem }) => pem),
  };
}
