import { createHash, createPublicKey, type JsonWebKey, type KeyObject, sign, verify } from "node:crypto";
import { badParameter } from "../errors/error.js";
import { CURVES, curveOfKeyType, ECDSA_PREFIX, readPublicJwk } from "./ssh-key-encoding.js";
import { SshReader, SshWriter } from "./ssh-wire.js";

/** The public key blob (RFC 4253 §6.6) of a public or private key. Throws `bad_parameter` for key types SSH lacks. */
export function sshPublicBlob(key: KeyObject): Buffer {
  if (!["rsa", "ec", "ed25519"].includes(key.asymmetricKeyType ?? "")) {
    throw unsupportedKey();
  }
  const jwk = (key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" });
  const field = (name: "n" | "e" | "x" | "y"): Buffer => Buffer.from(jwk[name] ?? "", "base64url");
  if (jwk.kty === "RSA") {
    return new SshWriter().string("ssh-rsa").mpint(field("e")).mpint(field("n")).toBuffer();
  }
  if (jwk.crv === "Ed25519") {
    return new SshWriter().string("ssh-ed25519").string(field("x")).toBuffer();
  }
  const curve = CURVES.find(({ jwkName }) => jwk.crv === jwkName);
  if (curve === undefined) {
    throw unsupportedKey();
  }
  const point = Buffer.concat([Buffer.of(4), field("x"), field("y")]);
  return new SshWriter()
    .string(ECDSA_PREFIX + curve.sshName)
    .string(curve.sshName)
    .string(point)
    .toBuffer();
}

/** The public key that a blob encodes. Throws `bad_parameter` for certificates, trailing bytes and unsafe keys. */
export function publicKeyFromBlob(blob: Buffer): KeyObject {
  const reader = new SshReader(blob);
  const jwk = readPublicJwk(reader.text(), reader);
  reader.end();
  return importPublicJwk(jwk);
}

/** One authorized_keys line, taken apart. */
export interface AuthorizedKey {
  readonly type: string;
  readonly blob: Buffer;
  readonly comment: string;
}

/** An authorized_keys line of a key, ending with a newline. */
export function sshPublicLine(key: KeyObject, comment = ""): string {
  return formatKeyLine(sshPublicBlob(key), comment);
}

/** The text form of any public key or certificate blob: type, base64, comment and a newline. */
export function formatKeyLine(blob: Buffer, comment = ""): string {
  const fields = [new SshReader(blob).text(), blob.toString("base64")];
  return `${(comment === "" ? fields : [...fields, comment]).join(" ")}\n`;
}

/** Reads `type base64 [comment]`, without options before it. Throws `bad_parameter`; the key itself is not judged. */
export function parseAuthorizedKey(line: string): AuthorizedKey {
  const match = /^\s*([a-z0-9@.-]{1,64})[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+([^\r\n]*?))?\s*$/.exec(line);
  const [, type, base64, comment = ""] = match ?? [];
  if (type === undefined || base64 === undefined) {
    throw badParameter("not an SSH public key: expected one line with type, base64 and comment");
  }
  const blob = Buffer.from(base64, "base64");
  if (new SshReader(blob).text() !== type) {
    throw badParameter("malformed SSH public key: its type differs from the encoded one");
  }
  return { type, blob, comment };
}

/** The fingerprint as OpenSSH prints it: `SHA256:` and unpadded base64. */
export function fingerprintSha256(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replaceAll("=", "")}`;
}

const unsupportedKey = (): Error =>
  badParameter("SSH has no such key type: use an Ed25519, ECDSA (NIST) or RSA key");

function importPublicJwk(key: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key, format: "jwk" });
  } catch (cause) {
    throw badParameter("malformed SSH key: its numbers are not a valid key", { cause });
  }
}

/**
 * The signature algorithms of a key or certificate type, best first. SHA-1 `ssh-rsa` is among them only when asked
 * for. Throws `bad_parameter` for unknown types.
 */
export function signatureAlgorithmsFor(keyType: string, allowSha1 = false): string[] {
  const plain = keyType.replace(/-cert-v01@openssh\.com$/, "");
  if (plain === "ssh-rsa") {
    return allowSha1 ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : ["rsa-sha2-512", "rsa-sha2-256"];
  }
  return plain === "ssh-ed25519" ? [plain] : [ECDSA_PREFIX + curveOfKeyType(plain).sshName];
}

/**
 * Signs with a private key and returns the raw signature field: what follows the algorithm name in RFC 4253 §6.6,
 * for ECDSA the two mpints of RFC 5656 §3.1.2. Throws `bad_parameter` where the algorithm does not fit the key.
 */
export function signSsh(key: KeyObject, algorithm: string, data: Buffer): Buffer {
  const keyType = new SshReader(sshPublicBlob(key)).text();
  if (!signatureAlgorithmsFor(keyType, true).includes(algorithm)) {
    throw badParameter(`a key of type ${keyType} cannot sign with ${algorithm}`);
  }
  const signature = sign(hashOf(algorithm), data, { key, dsaEncoding: "ieee-p1363" });
  if (!algorithm.startsWith(ECDSA_PREFIX)) {
    return signature;
  }
  const half = signature.length / 2;
  return new SshWriter().mpint(signature.subarray(0, half)).mpint(signature.subarray(half)).toBuffer();
}

/**
 * Whether a raw signature field verifies under exactly this algorithm; false as well where the algorithm does not fit
 * the key. Whether SHA-1 `ssh-rsa` is acceptable is the caller's decision. Throws `bad_parameter` for a bad blob.
 */
export function verifySsh(publicBlob: Buffer, algorithm: string, signature: Buffer, data: Buffer): boolean {
  const keyType = new SshReader(publicBlob).text();
  const key = publicKeyFromBlob(publicBlob);
  if (!signatureAlgorithmsFor(keyType, true).includes(algorithm)) {
    return false;
  }
  const encoded = algorithm.startsWith(ECDSA_PREFIX)
    ? ecdsaToP1363(signature, curveOfKeyType(keyType).sizeBytes)
    : keyType === "ssh-rsa"
      ? leftPadded(signature, Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8))
      : signature;
  return (
    encoded !== undefined && verify(hashOf(algorithm), data, { key, dsaEncoding: "ieee-p1363" }, encoded)
  );
}

function hashOf(algorithm: string): string | null {
  switch (algorithm) {
    case "ssh-ed25519":
      return null;
    case "ssh-rsa":
      return "sha1";
    case "rsa-sha2-256":
      return "sha256";
    case "rsa-sha2-512":
      return "sha512";
    default:
      return curveOfKeyType(algorithm).hash;
  }
}

/** Undefined where the field is not two numbers that fit the curve. */
function ecdsaToP1363(signature: Buffer, sizeBytes: number): Buffer | undefined {
  try {
    const reader = new SshReader(signature);
    const r = leftPadded(reader.mpint(), sizeBytes);
    const s = leftPadded(reader.mpint(), sizeBytes);
    return r && s && reader.done ? Buffer.concat([r, s]) : undefined;
  } catch {
    return undefined;
  }
}

/** Some signers strip leading zeros of an RSA signature, and mpints always do. */
function leftPadded(bytes: Buffer, length: number): Buffer | undefined {
  return bytes.length > length ? undefined : Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
}
