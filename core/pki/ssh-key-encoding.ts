import type { JsonWebKey } from "node:crypto";
import { badParameter } from "../errors/error.js";
import type { SshReader } from "./ssh-wire.js";

/** An elliptic curve as SSH (RFC 5656) and JWK name it. */
export interface Curve {
  readonly sshName: string;
  readonly jwkName: string;
  /** Size of one coordinate. */
  readonly sizeBytes: number;
  readonly hash: "sha256" | "sha384" | "sha512";
}

/** The curves of RFC 5656 that every implementation has. */
export const CURVES: readonly Curve[] = [
  { sshName: "nistp256", jwkName: "P-256", sizeBytes: 32, hash: "sha256" },
  { sshName: "nistp384", jwkName: "P-384", sizeBytes: 48, hash: "sha384" },
  { sshName: "nistp521", jwkName: "P-521", sizeBytes: 66, hash: "sha512" },
];
/** What the key type of an ECDSA key starts with, before the name of its curve. */
export const ECDSA_PREFIX = "ecdsa-sha2-";
const MIN_RSA_BITS = 2048;
/** Verification time grows with the modulus: a hostile key must not be able to hold the event loop. */
const MAX_RSA_BITS = 8192;

/** The curve of an `ecdsa-sha2-*` key type. Throws `bad_parameter` for any other type. */
export function curveOfKeyType(keyType: string): Curve {
  const curve = CURVES.find(({ sshName }) => keyType === ECDSA_PREFIX + sshName);
  if (curve === undefined) {
    throw badParameter(
      `unsupported SSH key type ${JSON.stringify(keyType.slice(0, 64))}: use ssh-ed25519, ecdsa-sha2-nistp256 or ssh-rsa`,
    );
  }
  return curve;
}

/**
 * Reads the fields of a public key behind its type name into a JWK: importing one takes a twentieth of the time that
 * SPKI takes in OpenSSL 3. Throws `bad_parameter`; that EC points lie on their curve is left to the import.
 */
export function readPublicJwk(keyType: string, reader: SshReader): JsonWebKey {
  if (keyType === "ssh-ed25519") {
    return { kty: "OKP", crv: "Ed25519", x: exactly(32, reader.string()).toString("base64url") };
  }
  if (keyType === "ssh-rsa") {
    const e = reader.mpint();
    const n = reader.mpint();
    checkRsa(n, e);
    return { kty: "RSA", e: e.toString("base64url"), n: n.toString("base64url") };
  }
  const { sshName, jwkName, sizeBytes } = curveOfKeyType(keyType);
  const named = reader.text();
  const point = exactly(1 + 2 * sizeBytes, reader.string());
  if (named !== sshName || point[0] !== 4) {
    throw badParameter("malformed SSH key: not an uncompressed point on the curve that its type names");
  }
  return {
    kty: "EC",
    crv: jwkName,
    x: point.subarray(1, 1 + sizeBytes).toString("base64url"),
    y: point.subarray(1 + sizeBytes).toString("base64url"),
  };
}

/** How many `string` or `mpint` fields follow the type name in a blob of this type. Throws `bad_parameter`. */
export function keyFieldCount(keyType: string): number {
  return keyType === "ssh-ed25519" ? 1 : keyType === "ssh-rsa" ? 2 : curveOfKeyType(keyType) && 2;
}

function checkRsa(modulus: Buffer, exponent: Buffer): void {
  const bits = modulus.length === 0 ? 0 : modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw badParameter(`RSA keys must have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, this one has ${bits}`);
  }
  const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
  if (!odd || exponent.length > 4 || (exponent.length === 1 && exponent[0] === 1)) {
    throw badParameter("malformed RSA key: its exponent is unsafe");
  }
}

function exactly(length: number, bytes: Buffer): Buffer {
  if (bytes.length !== length) {
    throw badParameter("malformed SSH key: a field has the wrong length");
  }
  return bytes;
}
