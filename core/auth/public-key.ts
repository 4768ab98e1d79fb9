import type { KeyObject } from "node:crypto";
import { badParameter } from "../errors/error.js";
import { parseAuthorizedKey, publicKeyFromBlob } from "../pki/ssh-key.js";

const MIN_RSA_BITS = 2048;

/** A key that somebody wants certified. */
export interface SubjectKey {
  readonly blob: Buffer;
  readonly key: KeyObject;
}

/** Reads an authorized_keys line. Throws `bad_parameter`, also for an RSA key that is too short to be certified. */
export function parseSubjectKey(line: string): SubjectKey {
  const { blob } = parseAuthorizedKey(line);
  const key = publicKeyFromBlob(blob);
  requireStrength(key);
  return { blob, key };
}

/** Throws `bad_parameter` for an RSA key of less than 2048 bits. */
export function requireStrength(key: KeyObject): void {
  const bits = key.asymmetricKeyType === "rsa" ? key.asymmetricKeyDetails?.modulusLength : undefined;
  if (bits !== undefined && bits < MIN_RSA_BITS) {
    throw badParameter(`the RSA key has ${bits} bits: generate one with at least ${MIN_RSA_BITS}`);
  }
}
