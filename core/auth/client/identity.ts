import type { SystemRole } from "../../resources/token.js";

/** What a host uses to show who it is: one RSA key with an SSH and a TLS certificate, as 4.2 stores it. */
export interface HostIdentity {
  readonly hostId: string;
  readonly role: SystemRole;
  readonly clusterName: string;
  /** PKCS#1 PEM; the key of both certificates. */
  readonly keyPem: string;
  /** authorized_keys-format host certificate line. */
  readonly sshCertificate: string;
  readonly tlsCertificatePem: string;
  /** PEM of each trusted TLS host authority. */
  readonly tlsAuthorities: readonly string[];
  /** authorized_keys lines of each trusted SSH host authority. */
  readonly sshAuthorities: readonly string[];
}
