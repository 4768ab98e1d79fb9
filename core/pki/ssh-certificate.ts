/**
 * SSH certificates (OpenSSH PROTOCOL.certkeys): what one says, and the three things done with them. Parsing verifies
 * nothing: a parsed certificate is a claim until {@link checkSshCertificate} has accepted it.
 */
export { checkSshCertificate, type SshCertificateCheck } from "./ssh-certificate-check.js";
export { issueSshCertificate, type SshCertificateTemplate } from "./ssh-certificate-issue.js";
export { parseSshCertificate, parseSshCertificateLine, sshCertificateLine } from "./ssh-certificate-parse.js";

/** An SSH certificate, taken apart (OpenSSH PROTOCOL.certkeys). Nothing of it is verified yet. */
export interface SshCertificate {
  /** The whole certificate, as it was parsed. */
  readonly blob: Buffer;
  /** The type name, such as `ssh-rsa-cert-v01@openssh.com`. */
  readonly format: string;
  readonly type: "user" | "host";
  /** The type of the certified key, such as `ssh-rsa`. */
  readonly keyType: string;
  /** The plain blob of the certified key. */
  readonly publicBlob: Buffer;
  readonly serial: bigint;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly validAfter: Date;
  /** The first moment at which it is no longer valid; null = forever. */
  readonly validBefore: Date | null;
  readonly criticalOptions: ReadonlyMap<string, string>;
  /** Values are the inner strings; flags such as `permit-pty` have an empty one. */
  readonly extensions: ReadonlyMap<string, string>;
  /** Public blob of the authority that signed. */
  readonly authority: Buffer;
  readonly signatureAlgorithm: string;
  /** The raw signature field. */
  readonly signature: Buffer;
  /** The bytes that the authority signed. */
  readonly signedPart: Buffer;
}
