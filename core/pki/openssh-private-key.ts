import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { badParameter } from "../errors/error.js";
import { curveOfKeyType } from "./ssh-key-encoding.js";
import { SshReader } from "./ssh-wire.js";

const PEM = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/;
const MAGIC = Buffer.from("openssh-key-v1\0", "latin1");

/** Whether the text holds a key in OpenSSH's own format, which node:crypto cannot read. */
export function isOpenSshPrivateKey(text: string): boolean {
  return text.includes("-----BEGIN OPENSSH PRIVATE KEY-----");
}

/** Reads the one unencrypted key of an `openssh-key-v1` file (OpenSSH PROTOCOL.key). Throws `bad_parameter`. */
export function parseOpenSshPrivateKey(text: string): KeyObject {
  const data = Buffer.from(PEM.exec(text)?.[1] ?? "", "base64");
  if (!data.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badParameter("not an OpenSSH private key");
  }
  const reader = new SshReader(data, MAGIC.length);
  if (reader.text() !== "none") {
    throw badParameter("the private key is encrypted: remove its passphrase first (ssh-keygen -p)");
  }
  reader.string(); // KDF name
  reader.string(); // KDF options
  if (reader.uint32() !== 1) {
    throw badParameter("the OpenSSH private key file must hold exactly one key");
  }
  reader.string(); // public key
  const secret = new SshReader(reader.string());
  if (secret.uint32() !== secret.uint32()) {
    throw badParameter("the OpenSSH private key file is damaged");
  }
  try {
    return createPrivateKey({ key: readPrivateJwk(secret), format: "jwk" });
  } catch {
    throw badParameter("the OpenSSH private key is damaged or of an unsupported type");
  }
}

function readPrivateJwk(reader: SshReader): JsonWebKey {
  const keyType = reader.text();
  if (keyType === "ssh-ed25519") {
    const x = reader.string();
    return { kty: "OKP", crv: "Ed25519", x: base64url(x), d: base64url(reader.string().subarray(0, 32)) };
  }
  if (keyType === "ssh-rsa") {
    const [n, e, d, qi, p, q] = [0, 1, 2, 3, 4, 5].map(() => reader.mpint()) as [
      Buffer,
      Buffer,
      Buffer,
      Buffer,
      Buffer,
      Buffer,
    ];
    const exponent = toBigInt(d);
    const dp = fromBigInt(exponent % (toBigInt(p) - 1n));
    const dq = fromBigInt(exponent % (toBigInt(q) - 1n));
    const fields = { n, e, d, p, q, dp, dq, qi };
    return {
      kty: "RSA",
      ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, base64url(value)])),
    };
  }
  const { jwkName, sizeBytes } = curveOfKeyType(keyType);
  reader.string(); // curve name
  const point = reader.string();
  return {
    kty: "EC",
    crv: jwkName,
    x: base64url(point.subarray(1, 1 + sizeBytes)),
    y: base64url(point.subarray(1 + sizeBytes)),
    d: base64url(reader.mpint()),
  };
}

const base64url = (bytes: Buffer): string => bytes.toString("base64url");
const toBigInt = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);

function fromBigInt(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}
