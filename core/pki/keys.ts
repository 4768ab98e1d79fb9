import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import { badParameter } from "../errors/error.js";
import { isOpenSshPrivateKey, parseOpenSshPrivateKey } from "./openssh-private-key.js";

/** A private key with its public half. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const generate = promisify(generateKeyPair);

/** Makes an RSA-2048 pair on the thread pool: some 200 ms of work that does not hold the event loop. */
export function generateRsaKeyPair(): Promise<KeyPair> {
  return generate("rsa", { modulusLength: 2048, publicExponent: 0x10001 });
}

/** Makes an Ed25519 pair. */
export function generateEd25519KeyPair(): KeyPair {
  return generateKeyPairSync("ed25519");
}

/** Makes an ECDSA pair on curve P-256. */
export function generateEcdsaKeyPair(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/** A private key as PEM: PKCS#1 for RSA, which is what 4.2 reads, otherwise PKCS#8. */
export function privateKeyPem(key: KeyObject): string {
  const type = key.asymmetricKeyType === "rsa" ? "pkcs1" : "pkcs8";
  return key.export({ type, format: "pem" }) as string;
}

/** A public key as PEM: SubjectPublicKeyInfo under the label `PUBLIC KEY`. */
export function publicKeyPem(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }) as string;
}

/** Reads an unencrypted private key: PKCS#1, PKCS#8, SEC 1 or OpenSSH. Throws `bad_parameter`. */
export function parsePrivateKey(pem: string | Buffer): KeyObject {
  const text = pem.toString("utf8");
  if (isOpenSshPrivateKey(text)) {
    return parseOpenSshPrivateKey(text);
  }
  if (/^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw badParameter("the private key is encrypted: remove its passphrase first");
  }
  try {
    return createPrivateKey(text);
  } catch {
    // The parser's error is not kept as a cause: it must never be able to quote key material into a log.
    throw badParameter("not a private key: expected PKCS#1, PKCS#8 or OpenSSH PEM");
  }
}

/**
 * Reads a public key. 4.2 hosts label SubjectPublicKeyInfo as `RSA PUBLIC KEY` (wire.md §1.8), so the label is not
 * believed: the content is tried as SPKI, then as PKCS#1. Throws `bad_parameter`.
 */
export function parsePublicKeyPem(pem: string | Buffer): KeyObject {
  const match =
    /-----BEGIN (?:RSA )?PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END (?:RSA )?PUBLIC KEY-----/.exec(
      pem.toString("utf8"),
    );
  const der = Buffer.from(match?.[1] ?? "", "base64");
  for (const type of ["spki", "pkcs1"] as const) {
    try {
      return createPublicKey({ key: der, format: "der", type });
    } catch {
      continue;
    }
  }
  throw badParameter("not a public key: expected PEM with the label PUBLIC KEY");
}
