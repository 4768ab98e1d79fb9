import { X509Certificate, type KeyObject } from "node:crypto";
import { badParameter } from "../../errors/error.js";
import { privateKeyPem, publicKeyPem, type KeyPair } from "../../pki/keys.js";
import { checkSshCertificate } from "../../pki/ssh-certificate-check.js";
import { parseSshCertificateLine } from "../../pki/ssh-certificate.js";
import { parseAuthorizedKey, sshPublicBlob, sshPublicLine } from "../../pki/ssh-key.js";
import { parseTlsIdentity } from "../../pki/tls-identity.js";
import type { SystemRole } from "../../resources/token.js";
import type { PackedKeys, RegisterRequest } from "./api.js";
import type { HostIdentity } from "./identity.js";

/** What a host says of itself when it joins. */
export interface HostDescription {
  readonly hostId: string;
  readonly nodeName: string;
  readonly role: SystemRole;
  /** Further names and addresses for the SSH certificate, in order. */
  readonly principals: readonly string[];
  /** Further names for the TLS certificate. */
  readonly dnsNames: readonly string[];
}

/** The request to join: the key stays here, only its public half is sent (wire.md §6.2). */
export function registerRequest(host: HostDescription, token: string, key: KeyPair): RegisterRequest {
  return {
    hostID: host.hostId,
    node_name: host.nodeName,
    role: host.role,
    token,
    additional_principals: [...host.principals],
    dns_names: host.dnsNames.length > 0 ? [...host.dnsNames] : null,
    public_tls_key: base64(publicKeyPem(key.publicKey)),
    public_ssh_key: base64(sshPublicLine(key.publicKey)),
    remote_addr: "",
  };
}

/**
 * The identity in a reply to {@link registerRequest}, checked as wire.md §6.3 asks: both certificates must be for our
 * key, our host and our role, be valid, and be signed by the authorities that came with them. Throws `bad_parameter`
 * or `access_denied` with what is wrong.
 */
export function acceptHostKeys(
  host: HostDescription,
  keys: PackedKeys,
  key: KeyPair,
  now: Date,
): HostIdentity {
  const sshCertificate = text(keys.cert);
  const tlsCertificatePem = text(keys.tls_cert);
  const sshAuthorities = keys.ssh_ca_certs.map(text);
  const tlsAuthorities = keys.tls_ca_certs.map(text);
  const clusterName = checkSsh(host, sshCertificate, sshAuthorities, key.publicKey, now);
  checkTls(host, clusterName, tlsCertificatePem, tlsAuthorities, key);
  return {
    hostId: host.hostId,
    role: host.role,
    clusterName,
    keyPem: privateKeyPem(key.privateKey),
    sshCertificate,
    tlsCertificatePem,
    tlsAuthorities,
    sshAuthorities,
  };
}

function checkSsh(
  host: HostDescription,
  line: string,
  authorities: readonly string[],
  publicKey: KeyObject,
  now: Date,
): string {
  const certificate = parseSshCertificateLine(line);
  checkSshCertificate(certificate, {
    type: "host",
    authorities: authorities.map((authority) => parseAuthorizedKey(authority).blob),
    now,
    // Auth servers of 4.2 sign with SHA-1. This checks a reply that came from a verified server; it trusts no one by it.
    allowSha1: true,
  });
  if (!certificate.publicBlob.equals(sshPublicBlob(publicKey)))
    throw wrong("its SSH certificate is for another key");
  const clusterName = certificate.extensions.get("x-teleport-authority");
  const role = certificate.extensions.get("x-teleport-role");
  if (!clusterName) throw wrong("its SSH certificate names no cluster");
  if (role !== host.role) {
    throw wrong(`its SSH certificate has the role '${role ?? ""}' instead of ${host.role}`);
  }
  const expected = host.role === "Admin" ? host.hostId : `${host.hostId}.${clusterName}`;
  if (!certificate.principals.includes(expected)) throw wrong(`its SSH certificate is not for ${expected}`);
  return clusterName;
}

function checkTls(
  host: HostDescription,
  clusterName: string,
  pem: string,
  authorities: readonly string[],
  key: KeyPair,
): void {
  const certificate = new X509Certificate(pem);
  if (!certificate.checkPrivateKey(key.privateKey)) throw wrong("its TLS certificate is for another key");
  const trusted = authorities.map((authority) => new X509Certificate(authority));
  if (
    !trusted.some(
      (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    )
  ) {
    throw wrong("its TLS certificate was not issued by the authority that came with it");
  }
  const identity = parseTlsIdentity(certificate);
  if (identity.username !== `${host.hostId}.${clusterName}` || !identity.roles.includes(host.role)) {
    throw wrong(`its TLS certificate is for ${identity.username} with the role ${identity.roles.join(", ")}`);
  }
}

function wrong(reason: string): Error {
  return badParameter(`the auth server's reply cannot be used: ${reason}`);
}

function base64(value: string): string {
  return Buffer.from(value).toString("base64");
}

function text(value: string): string {
  return Buffer.from(value, "base64").toString("utf8");
}
