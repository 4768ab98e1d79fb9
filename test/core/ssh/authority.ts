/** A certificate authority and signers for tests. */
import type { KeyObject } from "node:crypto";
import {
  generateEcdsaKeyPair,
  generateEd25519KeyPair,
  generateRsaKeyPair,
  type KeyPair,
} from "../../../core/pki/keys.js";
import { issueSshCertificate } from "../../../core/pki/ssh-certificate.js";
import { parseAuthorizedKey, sshPublicBlob } from "../../../core/pki/ssh-key.js";
import type { SshSigner } from "../../../core/ssh/contract.js";
import { createSigner } from "../../../core/ssh/signer.js";

/** The key types of the certificate matrix. */
export const KEY_KINDS = ["ed25519", "ecdsa", "rsa"] as const;

/** One of them. */
export type KeyKind = (typeof KEY_KINDS)[number];

const RSA_PAIRS: Promise<KeyPair>[] = [];

/** A key pair; the slow RSA ones are shared within a run: `index` tells them apart. */
export async function keyPair(kind: KeyKind, index = 0): Promise<KeyPair> {
  if (kind === "ed25519") return generateEd25519KeyPair();
  if (kind === "ecdsa") return generateEcdsaKeyPair();
  return (RSA_PAIRS[index] ??= generateRsaKeyPair());
}

/** What a test may change in a certificate. */
export interface CertificateChanges {
  principals?: readonly string[];
  validAfter?: Date;
  validBefore?: Date;
}

/** An authority that issues what tests need. */
export class TestAuthority {
  readonly publicBlob: Buffer;
  readonly #key: KeyObject;

  constructor(pair: KeyPair) {
    this.#key = pair.privateKey;
    this.publicBlob = sshPublicBlob(pair.privateKey);
  }

  static async create(): Promise<TestAuthority> {
    return new TestAuthority(await keyPair("ed25519"));
  }

  /** The certificate blob for a key. */
  certify(type: "user" | "host", publicBlob: Buffer, changes: CertificateChanges = {}): Buffer {
    const line = issueSshCertificate(
      {
        type,
        publicBlob,
        keyId: type === "user" ? "alice" : "",
        principals: type === "user" ? ["root", "alice"] : ["node1", "127.0.0.1"],
        validAfter: new Date(Date.now() - 60_000),
        validBefore: new Date(Date.now() + 3_600_000),
        extensions: type === "user" ? { "permit-pty": "", "permit-port-forwarding": "" } : {},
        ...changes,
      },
      this.#key,
    );
    return parseAuthorizedKey(line).blob;
  }

  /** A signer with a certificate. */
  async signer(
    type: "user" | "host",
    kind: KeyKind = "ed25519",
    changes: CertificateChanges = {},
  ): Promise<SshSigner> {
    const { privateKey } = await keyPair(kind, type === "user" ? 0 : 1);
    return createSigner(privateKey, this.certify(type, sshPublicBlob(privateKey), changes));
  }
}
