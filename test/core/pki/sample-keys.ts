import {
  generateEcdsaKeyPair,
  generateEd25519KeyPair,
  generateRsaKeyPair,
  type KeyPair,
} from "../../../core/pki/keys.js";

/** Making RSA keys is slow: the tests of this folder share one of each kind. */
export const rsa: KeyPair = await generateRsaKeyPair();
export const otherRsa: KeyPair = await generateRsaKeyPair();
export const ed25519: KeyPair = generateEd25519KeyPair();
export const ecdsa: KeyPair = generateEcdsaKeyPair();
/** The three kinds of key by their SSH names. */
export const keysByType: readonly (readonly [string, KeyPair])[] = [
  ["ssh-rsa", rsa],
  ["ssh-ed25519", ed25519],
  ["ecdsa-sha2-nistp256", ecdsa],
];
