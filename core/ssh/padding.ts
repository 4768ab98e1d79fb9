/**
 * Packet padding from a pool. ssh2 asks the random generator for 4 to 19 bytes with every packet, which is 15 % of the
 * CPU time of a bulk transfer. Under encryption padding needs no secrecy, so bytes of a random pool are used again.
 */
import { randomFillSync } from "node:crypto";
import type { PacketCipher } from "./ssh2-internals.js";

const pool = randomFillSync(Buffer.allocUnsafe(8192));
let poolAt = 0;

/** How a cipher of ssh2's addon lays out its packets. */
interface PacketLayout {
  readonly blockBytes: number;
  /** Leading bytes that are not padded to the block size because they are sent in the clear. */
  readonly clearBytes: number;
  /** Room for the tag behind the packet, which the addon encrypts in place. */
  readonly tagBytes: number;
}

/** The members of ssh2's generic cipher (CTR with a MAC) that tell its layout. */
interface GenericCipher {
  readonly _encBlockLen: number;
  readonly _aadLen: number;
  readonly _macLen: number;
}

/** Makes a cipher take its padding from the pool; ciphers without the addon's known layout are left as they are. */
export function poolPadding(cipher: PacketCipher): void {
  const layout = layoutOf(cipher);
  if (layout === undefined) return;
  cipher.allocPacket = (payloadBytes) => allocPacket(layout, payloadBytes);
}

function layoutOf(cipher: PacketCipher): PacketLayout | undefined {
  switch (cipher.constructor.name) {
    case "AESGCMCipherBinding":
      return { blockBytes: 16, clearBytes: 4, tagBytes: 16 };
    case "ChaChaPolyCipherBinding":
      return { blockBytes: 8, clearBytes: 4, tagBytes: 16 };
    case "GenericCipherBinding": {
      const generic = cipher as unknown as GenericCipher;
      return { blockBytes: generic._encBlockLen, clearBytes: generic._aadLen, tagBytes: generic._macLen };
    }
    default:
      return undefined;
  }
}

/** Lays out RFC 4253 §6: uint32 packet length, byte padding length, payload (by the caller), padding. */
function allocPacket(layout: PacketLayout, payloadBytes: number): Buffer {
  const used = 5 + payloadBytes;
  let padding = layout.blockBytes - ((used - layout.clearBytes) & (layout.blockBytes - 1));
  if (padding < 4) padding += layout.blockBytes;
  const packet = Buffer.allocUnsafe(used + padding + layout.tagBytes);
  packet.writeUInt32BE(used + padding - 4, 0);
  packet[4] = padding;
  if (poolAt + padding > pool.length) poolAt = 0;
  pool.copy(packet, used, poolAt, poolAt + padding);
  poolAt += padding;
  return packet;
}
