/**
 * Curve25519 key agreement (RFC 8731) by raw keys. ssh2 wraps the peer's key in DER, which OpenSSL 3 takes 24 times as long
 * to read as the same key in a JWK: a sixth of the CPU time of a handshake.
 */
import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { badParameter } from "../errors/error.js";
import type { KeyExchange } from "./ssh2-internals.js";

const KEY_BYTES = 32;

/** Gives a key exchange the quicker arithmetic, if it is one over Curve25519. */
export function quickenX25519(exchange: KeyExchange): void {
  if (exchange.type !== "25519") return;
  let own: { privateKey: KeyObject; publicKey: Buffer } | undefined;
  const ownKeys = (): { privateKey: KeyObject; publicKey: Buffer } => (own ??= generate());
  exchange.getPublicKey = () => ownKeys().publicKey;
  exchange.computeSecret = (peerKey) => {
    try {
      return agree(ownKeys().privateKey, peerKey);
    } catch (error) {
      return error instanceof Error ? error : badParameter("key agreement failed");
    }
  };
}

function generate(): { privateKey: KeyObject; publicKey: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync("x25519");
  return { privateKey, publicKey: Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url") };
}

/** The shared secret as the content of an mpint. An all-zero one, from a key of low order, is refused by OpenSSL. */
function agree(privateKey: KeyObject, peerKey: Buffer): Buffer {
  if (peerKey.length !== KEY_BYTES) throw badParameter("the peer's Curve25519 key is not 32 bytes long");
  const jwk = { kty: "OKP", crv: "X25519", x: peerKey.toString("base64url") };
  const secret = diffieHellman({ privateKey, publicKey: createPublicKey({ key: jwk, format: "jwk" }) });
  let start = 0;
  while (secret[start] === 0) start++;
  const number = secret.subarray(start);
  return (number[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), number]) : number;
}
