import { generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import forge from "node-forge";
import type { KeyPair } from "@teleport/plugin";

const VALID_MS = 365 * 24 * 3600 * 1000;
/** Clocks of clients lag. */
const BACKDATE_MS = 60 * 1000;
const DNS_NAME = /^[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?$/;

/**
 * Makes an RSA 2048 key and a self-signed certificate for the host name, localhost and the loopback addresses, valid
 * for a year. It may sign itself only: 4.2 clients put it among their roots for loopback proxies.
 */
export async function createSelfSignedPair(hostname: string, now: Date): Promise<KeyPair> {
  const keys = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  // A leading zero bit keeps the number positive, a leading one keeps it from being short.
  certificate.serialNumber = `4${randomBytes(16).toString("hex").slice(1)}`;
  certificate.validity.notBefore = new Date(now.getTime() - BACKDATE_MS);
  certificate.validity.notAfter = new Date(now.getTime() + VALID_MS);
  const subject = [
    { name: "commonName", value: "localhost" },
    { name: "organizationName", value: "localhost" },
  ];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: "basicConstraints", critical: true, cA: true, pathLenConstraint: 0 },
    { name: "keyUsage", critical: true, digitalSignature: true, keyEncipherment: true, keyCertSign: true },
    { name: "extKeyUsage", serverAuth: true },
    { name: "subjectKeyIdentifier" },
    { name: "subjectAltName", altNames: altNames(hostname) },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(keys.privateKey), forge.md.sha256.create());
  return { keyPem: keys.privateKey, chainPem: forge.pki.certificateToPem(certificate).replace(/\r/g, "") };
}

/** RFC 5280 §4.2.1.6: 2 is a DNS name, 7 an IP address. */
function altNames(hostname: string): { type: number; value?: string; ip?: string }[] {
  const dnsNames = new Set(["localhost", ...(DNS_NAME.test(hostname) ? [hostname] : [])]);
  return [
    ...[...dnsNames].map((value) => ({ type: 2, value })),
    { type: 7, ip: "127.0.0.1" },
    { type: 7, ip: "::1" },
  ];
}
