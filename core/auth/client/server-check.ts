import { X509Certificate } from "node:crypto";
import { accessDenied } from "../../errors/error.js";

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

/**
 * Checks that the certificate a server presented is signed directly by one of `authorities` (PEM), is valid at `now`,
 * and is meant for a server of this name. Throws `access_denied`.
 *
 * This is done here because Node's own check needs the `ca` option, and with it OpenSSL adds the authority to the
 * client's certificate message, which servers of 4.2 refuse (wire.md §0.3).
 */
export function checkServerCertificate(
  certificate: X509Certificate | undefined,
  authorities: readonly string[],
  serverName: string,
  now: Date,
): void {
  if (!certificate) throw accessDenied("the server presented no certificate");
  const trusted = authorities.some((pem) => {
    const authority = new X509Certificate(pem);
    return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
  if (!trusted) {
    throw accessDenied(
      "the server's certificate was not issued by the cluster's authority: this is another cluster, or someone in between",
    );
  }
  if (now < new Date(certificate.validFrom)) {
    throw accessDenied(
      `the server's certificate is valid from ${certificate.validFrom} only: check the clocks of both machines`,
    );
  }
  if (now > new Date(certificate.validTo)) {
    throw accessDenied(`the server's certificate expired at ${certificate.validTo}`);
  }
  // Node calls the extended key usage `keyUsage`.
  const serves = (certificate.keyUsage as string[] | undefined)?.includes(SERVER_AUTH);
  if (certificate.ca || !serves || certificate.checkHost(serverName) === undefined) {
    throw accessDenied(
      "the server is a host of the cluster but not an auth server: check the address, it should end in :3025",
    );
  }
}
