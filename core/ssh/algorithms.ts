/** Which algorithms are offered and accepted. Group exchange does not exist: ssh2 cannot serve it. */
import { badParameter } from "../errors/error.js";
import {
  allNames,
  SSH_CIPHERS,
  SSH_KEY_EXCHANGES,
  SSH_MACS,
  type AlgorithmNames,
} from "../grammar/ssh-algorithms.js";
import { signatureAlgorithmsFor } from "../pki/ssh-key.js";
import type { SshAlgorithms } from "./contract.js";

/** Suffix of the key format and algorithm names of OpenSSH certificates (PROTOCOL.certkeys). */
export const CERTIFICATE_SUFFIX = "-cert-v01@openssh.com";

/** The algorithms of one side in order of preference, checked and complete. */
export interface AlgorithmOffer {
  readonly kex: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
  readonly allowSha1: boolean;
  /** Ciphers to settle on with clients that can do them; none where the operator chose the ciphers. */
  readonly preferredCiphers: readonly string[];
}

/**
 * Completes and checks configured algorithm lists.
 *
 * @throws bad_parameter for an empty list or a name that is not supported; the text lists those that are.
 */
export function resolveAlgorithms(configured: SshAlgorithms): AlgorithmOffer {
  return {
    kex: choose("kex_algos", configured.kex, SSH_KEY_EXCHANGES),
    ciphers: choose("ciphers", configured.ciphers, SSH_CIPHERS),
    macs: choose("mac_algos", configured.macs, SSH_MACS),
    allowSha1: configured.allowSha1 ?? false,
    preferredCiphers:
      configured.ciphers === undefined ? SSH_CIPHERS.defaults.filter((name) => name.includes("-gcm@")) : [],
  };
}

function choose(key: string, names: readonly string[] | undefined, known: AlgorithmNames): readonly string[] {
  if (names === undefined) return known.defaults;
  const supported = allNames(known);
  const unknown = names.find((name) => !supported.includes(name));
  if (unknown !== undefined) {
    throw badParameter(
      `${key}: ${JSON.stringify(unknown)} is not supported; choose from ${supported.join(", ")}`,
    );
  }
  if (names.length === 0) throw badParameter(`${key} is empty; leave it out for the defaults`);
  return names;
}

/** Types of keys that users and hosts may have, in order of preference. */
export const KEY_TYPES: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
];

/** What a public key algorithm name of the wire (RFC 4253 §6.6, RFC 8332, PROTOCOL.certkeys) stands for. */
export interface PublicKeyAlgorithm {
  readonly name: string;
  /** The format name inside the key or certificate blob. */
  readonly format: string;
  /** The type of the plain key. */
  readonly keyType: string;
  readonly isCertificate: boolean;
  /** The signature algorithm that the name stands for; `ssh-rsa` names stand for SHA-1. */
  readonly signature: string;
}

/** Reads a public key algorithm name; undefined for one that is not supported. */
export function publicKeyAlgorithm(name: string): PublicKeyAlgorithm | undefined {
  const isCertificate = name.endsWith(CERTIFICATE_SUFFIX);
  const signature = isCertificate ? name.slice(0, -CERTIFICATE_SUFFIX.length) : name;
  const keyType = KEY_TYPES.find((type) => signatureAlgorithmsFor(type, true).includes(signature));
  if (keyType === undefined) return undefined;
  return {
    name,
    format: isCertificate ? keyType + CERTIFICATE_SUFFIX : keyType,
    keyType,
    isCertificate,
    signature,
  };
}

/**
 * The signature algorithms to accept under a public key algorithm name. OpenSSH 7.2 to 7.7 sign with SHA-2 under the
 * name `ssh-rsa-cert-v01@openssh.com`, so that name admits all RSA signatures.
 */
export function acceptedSignatures(algorithm: PublicKeyAlgorithm, allowSha1: boolean): readonly string[] {
  if (algorithm.signature === "ssh-rsa") return signatureAlgorithmsFor("ssh-rsa", allowSha1);
  return [algorithm.signature];
}

/** Host key algorithm names that a client accepts: certificates first, SHA-1 last and only where allowed. */
export function clientHostKeyAlgorithms(allowSha1: boolean): readonly string[] {
  const modern = KEY_TYPES.flatMap((type) => signatureAlgorithmsFor(type, false));
  const certificates = modern.map((name) => name + CERTIFICATE_SUFFIX);
  const sha1 = allowSha1 ? [`ssh-rsa${CERTIFICATE_SUFFIX}`, "ssh-rsa"] : [];
  return [...certificates, ...modern, ...sha1];
}

/**
 * The value of the `server-sig-algs` extension (RFC 8308 §3.1). OpenSSH looks for signature names in it, x/crypto for
 * certificate names, so it holds both.
 */
export function serverSignatureAlgorithms(allowSha1: boolean): string {
  const names = KEY_TYPES.flatMap((type) => signatureAlgorithmsFor(type, allowSha1));
  return [...names, ...names.map((name) => name + CERTIFICATE_SUFFIX)].join(",");
}
