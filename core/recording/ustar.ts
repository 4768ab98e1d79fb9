/**
 * The part of the USTAR format (POSIX.1-1988) that recordings use: regular files with short, flat names.
 *
 * Archives come from other hosts, so everything else (links, long names, pax headers) is refused at its header.
 */
import { badParameter } from "../errors/error.js";

/** A file of an archive. */
export interface UstarMember {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modified: Date;
}

/** A file of an archive that is read: its content must be consumed before the next member is asked for. */
export interface UstarEntry extends UstarMember {
  readonly content: AsyncIterable<Buffer>;
}

/** Headers and contents are padded to blocks of this size. */
export const BLOCK_BYTES = 512;
/** An archive ends with this. */
export const END_OF_ARCHIVE = Buffer.alloc(2 * BLOCK_BYTES);
/** The most the header's octal size field can say. */
const MAX_MEMBER_BYTES = 8 ** 11 - 1;

/** The zero bytes that follow a content of this size. */
export function padding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** The header block of a member: mode 0640, owner root. Throws `bad_parameter` for what USTAR cannot express. */
export function encodeHeader(member: UstarMember): Buffer {
  if (Buffer.byteLength(member.name) > 100 || member.sizeBytes > MAX_MEMBER_BYTES) {
    throw badParameter(`the file ${member.name} does not fit into a recording archive`);
  }
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(member.name, 0);
  header.write("0000640\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${octal(member.sizeBytes, 11)}\0`, 124);
  header.write(`${octal(Math.floor(member.modified.getTime() / 1000), 11)}\0`, 136);
  header.write("        0", 148);
  header.write("ustar\x0000root", 257);
  header.write("root", 297);
  header.write("0000000\0", 329);
  header.write("0000000\0", 337);
  header.write(`${octal(checksum(header), 6)}\0 `, 148);
  return header;
}

/** Reads an archive member by member. Throws `bad_parameter` where it is damaged, cut short or more than USTAR files. */
export async function* readUstar(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<UstarEntry> {
  const source = new ByteSource(bytes);
  try {
    for (;;) {
      const header = await source.take(BLOCK_BYTES);
      if (header.every((byte) => byte === 0)) break;
      const member = decodeHeader(header);
      let rest = member.sizeBytes;
      const content = (async function* (): AsyncGenerator<Buffer> {
        while (rest > 0) {
          const part = await source.takeUpTo(rest);
          rest -= part.length;
          yield part;
        }
      })();
      yield { ...member, content };
      if (rest > 0) throw damaged("a member was not read to its end");
      await source.take(padding(member.sizeBytes).length);
    }
    // The rest is padding of the writer's record size; it is read so that the sender can finish.
    while (!(await source.atEnd())) await source.takeUpTo(64 * 1024);
  } finally {
    await source.close();
  }
}

function decodeHeader(header: Buffer): UstarMember {
  const sum = parseOctal(header, 148, 8);
  const blanked = Buffer.from(header);
  blanked.fill(" ", 148, 156);
  if (sum !== checksum(blanked)) throw damaged("a header has a wrong checksum");
  const type = header[156];
  if (type !== 0x30 && type !== 0) throw damaged("a member is no regular file");
  if (header.toString("latin1", 257, 262) !== "ustar" || header[345] !== 0)
    throw damaged("a header is not USTAR");
  return {
    name: cString(header, 0, 100),
    sizeBytes: parseOctal(header, 124, 12),
    modified: new Date(parseOctal(header, 136, 12) * 1000),
  };
}

/** Takes counted pieces from a stream of chunks. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffered: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  async atEnd(): Promise<boolean> {
    while (this.#buffered.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return true;
      const { buffer, byteOffset, byteLength } = next.value;
      this.#buffered = Buffer.from(buffer, byteOffset, byteLength);
    }
    return false;
  }

  async takeUpTo(count: number): Promise<Buffer> {
    if (await this.atEnd()) throw damaged("it is cut short");
    const part = this.#buffered.subarray(0, count);
    this.#buffered = this.#buffered.subarray(part.length);
    return part;
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let rest = count; rest > 0; rest -= parts.at(-1)?.length ?? 0) parts.push(await this.takeUpTo(rest));
    return Buffer.concat(parts);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

function checksum(header: Buffer): number {
  return header.reduce((sum, byte) => sum + byte, 0);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function cString(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? length : end);
}

function parseOctal(header: Buffer, start: number, length: number): number {
  const text = cString(header, start, length).trim();
  if (!/^[0-7]{1,11}$/.test(text)) throw damaged("a header has a malformed number");
  return parseInt(text, 8);
}

const damaged = (reason: string): Error => badParameter(`failed to read the recording archive: ${reason}`);
