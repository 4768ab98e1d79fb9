/**
 * Cuts a stream of sftp into packets (draft-ietf-secsh-filexfer-02 §3) without holding what they carry: of packets with
 * the contents of files only the first bytes are kept.
 */
import { badParameter } from "../errors/error.js";

/** Packet types of version 3 (§3), by their names there. */
export const SFTP = {
  /** The only request without an id. */
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  setstat: 9,
  fsetstat: 10,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  rename: 18,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  extended: 200,
} as const;

/** What a packet is taken with: its type, and what follows the type, cut off for packets that carry contents. */
export type PacketTaker = (type: number, body: Buffer) => void;

/** Bytes of a packet with its length, and how many of them are kept. */
interface Head {
  readonly total: number;
  readonly keep: number;
}

/** Longest packet, as in OpenSSH. */
const MAX_PACKET_BYTES = 256 * 1024;
const LENGTH_BYTES = 4;
/** Enough of a packet with contents: id, handle (256 bytes at most), offset and length. */
const KEPT_BYTES = 4 + 4 + 256 + 8 + 4;
const WITH_CONTENTS: ReadonlySet<number> = new Set([SFTP.write, SFTP.data, SFTP.name]);

/** One direction of an sftp stream. */
export class SftpPackets {
  readonly #take: PacketTaker;
  /** The beginning of a packet that has not come whole: its length, type and body, as far as it is kept. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** What that beginning says, once its length and type have come. */
  #head: Head | undefined;
  /** Bytes of contents that are still to be passed over. */
  #skip = 0;

  constructor(take: PacketTaker) {
    this.#take = take;
  }

  /** Takes the next piece of the stream. Throws `bad_parameter` where it is no sftp. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
      } else {
        at = this.#keptBytes === 0 ? this.#fromOneChunk(chunk, at) : this.#continued(chunk, at);
      }
    }
  }

  /** A packet from its start. Returns where to go on. */
  #fromOneChunk(chunk: Buffer, at: number): number {
    const head = headOf(chunk.subarray(at));
    if (head === undefined || at + head.keep > chunk.length) {
      this.#keep(chunk.subarray(at));
      return chunk.length;
    }
    return this.#deliver(chunk.subarray(at, at + head.keep), head.total, at + head.keep);
  }

  /** More of a packet whose beginning came earlier. Returns where to go on. */
  #continued(chunk: Buffer, at: number): number {
    // Length and type come first, since they tell how much is to be kept.
    const wanted = this.#head?.keep ?? LENGTH_BYTES + 1;
    const more = chunk.subarray(at, at + wanted - this.#keptBytes);
    this.#keep(more);
    const head = this.#head;
    if (head !== undefined && this.#keptBytes === head.keep) {
      const packet = Buffer.concat(this.#kept);
      this.#kept = [];
      this.#keptBytes = 0;
      this.#head = undefined;
      return this.#deliver(packet, head.total, at + more.length);
    }
    return at + more.length;
  }

  #deliver(packet: Buffer, total: number, next: number): number {
    this.#skip = total - packet.length;
    this.#take(packet[LENGTH_BYTES] ?? 0, packet.subarray(LENGTH_BYTES + 1));
    return next;
  }

  #keep(piece: Buffer): void {
    this.#kept.push(piece);
    this.#keptBytes += piece.length;
    if (this.#head === undefined && this.#keptBytes > LENGTH_BYTES)
      this.#head = headOf(Buffer.concat(this.#kept));
  }
}

/** What length and type of a packet say; undefined where they are not there yet. */
function headOf(start: Buffer): Head | undefined {
  if (start.length <= LENGTH_BYTES) return undefined;
  const length = start.readUInt32BE();
  if (length === 0 || length > MAX_PACKET_BYTES)
    throw badParameter("this is no sftp: a packet has a wrong length");
  const total = LENGTH_BYTES + length;
  const keep = WITH_CONTENTS.has(start[LENGTH_BYTES] ?? 0)
    ? Math.min(total, LENGTH_BYTES + 1 + KEPT_BYTES)
    : total;
  return { total, keep };
}
