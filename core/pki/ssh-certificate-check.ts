import { BlockList, isIP } from "node:net";
import { accessDenied } from "../errors/error.js";
import type { SshCertificate } from "./ssh-certificate.js";
import { signatureAlgorithmsFor, verifySsh } from "./ssh-key.js";
import { SshReader } from "./ssh-wire.js";

/** What a certificate must satisfy. */
export interface SshCertificateCheck {
  readonly type: "user" | "host";
  /** Public blobs of the authorities that are trusted for this type. */
  readonly authorities: readonly Buffer[];
  /** The login or host name it must be valid for; without one that is not checked. */
  readonly principal?: string | undefined;
  readonly now: Date;
  /** Accept authorities' SHA-1 `ssh-rsa` signatures, which is all that 4.2 makes. */
  readonly allowSha1?: boolean | undefined;
  /** The client's IP address; a certificate with `source-address` is refused without it. */
  readonly sourceAddress?: string | undefined;
}

/**
 * Throws `access_denied`, with the reason, unless the certificate is acceptable. Login names are compared exactly;
 * host names, as OpenSSH does, exactly after the asked name was put in lower case. A certificate without principals
 * is never accepted, nor is one with a critical option other than an enforced `source-address`.
 */
export function checkSshCertificate(certificate: SshCertificate, check: SshCertificateCheck): void {
  const reason =
    refuseType(certificate, check) ??
    refuseAuthority(certificate, check) ??
    refuseTime(certificate, check.now) ??
    refusePrincipal(certificate, check) ??
    refuseCriticalOptions(certificate, check);
  if (reason !== undefined) {
    throw accessDenied(reason, {
      context: { keyId: certificate.keyId, serial: certificate.serial.toString() },
    });
  }
}

function refuseType(certificate: SshCertificate, check: SshCertificateCheck): string | undefined {
  if (certificate.type !== check.type) {
    return `a ${certificate.type} certificate was presented where a ${check.type} certificate is needed`;
  }
  return certificate.type === "user" && certificate.keyId === ""
    ? "the certificate names no user"
    : undefined;
}

function refuseAuthority(certificate: SshCertificate, check: SshCertificateCheck): string | undefined {
  if (!check.authorities.some((trusted) => trusted.equals(certificate.authority))) {
    return "the certificate is signed by an unknown authority";
  }
  const authorityType = new SshReader(certificate.authority).text();
  if (!signatureAlgorithmsFor(authorityType, check.allowSha1).includes(certificate.signatureAlgorithm)) {
    return `the certificate is signed with ${certificate.signatureAlgorithm}, which is not accepted`;
  }
  const { authority, signatureAlgorithm, signature, signedPart } = certificate;
  return verifySsh(authority, signatureAlgorithm, signature, signedPart)
    ? undefined
    : "the certificate's signature is wrong";
}

function refuseTime(certificate: SshCertificate, now: Date): string | undefined {
  if (!(now >= certificate.validAfter)) {
    return `the certificate is not valid before ${certificate.validAfter.toISOString()}`;
  }
  if (certificate.validBefore !== null && !(now < certificate.validBefore)) {
    return `the certificate expired at ${certificate.validBefore.toISOString()}`;
  }
  return undefined;
}

function refusePrincipal(certificate: SshCertificate, check: SshCertificateCheck): string | undefined {
  if (certificate.principals.length === 0) {
    return "the certificate has no principals";
  }
  if (check.principal === undefined) {
    return undefined;
  }
  const wanted = check.type === "host" ? check.principal.toLowerCase() : check.principal;
  return wanted !== "" && certificate.principals.includes(wanted)
    ? undefined
    : `the certificate is not valid for ${JSON.stringify(check.principal)}`;
}

function refuseCriticalOptions(certificate: SshCertificate, check: SshCertificateCheck): string | undefined {
  for (const [name, value] of certificate.criticalOptions) {
    if (name !== "source-address" || certificate.type !== "user") {
      return `the certificate has the unknown critical option ${JSON.stringify(name)}`;
    }
    if (check.sourceAddress === undefined || !addressAllowed(check.sourceAddress, value)) {
      return "the certificate may not be used from this address";
    }
  }
  return undefined;
}

/** Matches an address against comma-separated addresses and CIDR blocks; anything unreadable allows nothing. */
function addressAllowed(address: string, list: string): boolean {
  const allowed = new BlockList();
  for (const entry of list.split(",")) {
    const [network = "", prefix] = entry.split("/");
    const version = isIP(network);
    const bits = prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix);
    if (version === 0 || !/^\d{1,3}$/.test(prefix ?? "0") || bits > (version === 6 ? 128 : 32)) {
      return false;
    }
    allowed.addSubnet(network, bits, version === 6 ? "ipv6" : "ipv4");
  }
  const version = isIP(address);
  return version !== 0 && allowed.check(address, version === 6 ? "ipv6" : "ipv4");
}
