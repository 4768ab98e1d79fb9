import { createHash, timingSafeEqual } from "node:crypto";
import { accessDenied, badParameter } from "../errors/error.js";
import { parseCertificate } from "./x509.js";

/**
 * The pin of a cluster: `sha256:` and the hex SHA-256 of the SubjectPublicKeyInfo of its host authority's TLS
 * certificate (wire.md §1.7). It changes when that authority is rotated. Throws `bad_parameter` for what is none.
 */
export function caPin(certificatePem: string): string {
  const spki = parseCertificate(certificatePem).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("hex")}`;
}

/** Throws `bad_parameter` for a pin that is none, and `access_denied` where it is not that of the certificate. */
export function checkCaPin(pin: string, certificatePem: string): void {
  const wanted = pin.trim().toLowerCase();
  if (!/^sha256:[0-9a-f]{64}$/.test(wanted)) {
    throw badParameter("a CA pin must be sha256: and 64 hexadecimal digits: copy it from tctl status");
  }
  const actual = caPin(certificatePem);
  if (!timingSafeEqual(Buffer.from(wanted), Buffer.from(actual))) {
    throw accessDenied(
      `the cluster's CA pin is ${actual}, not the configured one: check ca_pin and the auth server's address`,
    );
  }
}
