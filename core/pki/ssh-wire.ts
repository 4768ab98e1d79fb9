import { isUtf8 } from "node:buffer";
import { badParameter } from "../errors/error.js";

/**
 * Reads the data types of RFC 4251 §5 from a buffer. Every read that passes the end of the buffer throws
 * `bad_parameter`; lengths are checked against what is left before anything is taken. Buffers that it returns share
 * memory with the source.
 */
export class SshReader {
  readonly #source: Buffer;
  #offset: number;

  constructor(source: Buffer, offset = 0) {
    this.#source = source;
    this.#offset = offset;
  }

  /** Whether everything has been read. */
  get done(): boolean {
    return this.#offset >= this.#source.length;
  }

  byte(): number {
    return this.#take(1).readUInt8();
  }

  /** Any non-zero byte is true. */
  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** A `string`: arbitrary bytes behind their length. */
  string(): Buffer {
    return this.#take(this.uint32());
  }

  /** A `string` that must be UTF-8; use {@link string} for what only usually is text, such as commands and paths. */
  text(): string {
    const bytes = this.string();
    if (!isUtf8(bytes)) {
      throw badParameter("malformed SSH data: a text field is not UTF-8");
    }
    return bytes.toString("utf8");
  }

  /** An `mpint` as its big-endian magnitude without leading zeros. Negative numbers are refused: keys have none. */
  mpint(): Buffer {
    const bytes = this.string();
    if ((bytes[0] ?? 0) & 0x80) {
      throw badParameter("malformed SSH data: a number is negative");
    }
    return withoutLeadingZeros(bytes);
  }

  /** What has not been read yet; the reader is then done. */
  rest(): Buffer {
    return this.#take(this.#source.length - this.#offset);
  }

  /** Throws `bad_parameter` when anything is left. */
  end(): void {
    if (!this.done) {
      throw badParameter("malformed SSH data: unexpected bytes at the end");
    }
  }

  #take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#source.length) {
      throw badParameter("malformed SSH data: it ends too early");
    }
    const taken = this.#source.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}

/** Writes the data types of RFC 4251 §5. Calls chain. */
export class SshWriter {
  readonly #parts: Buffer[] = [];

  byte(value: number): this {
    return this.raw(Buffer.of(value));
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  uint32(value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(value);
    return this.raw(bytes);
  }

  uint64(value: bigint): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64BE(value);
    return this.raw(bytes);
  }

  /** A `string`; text is written as UTF-8. */
  string(value: Uint8Array | string): this {
    const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    return this.uint32(bytes.length).raw(bytes);
  }

  /** An `mpint` from a big-endian magnitude, with or without leading zeros. */
  mpint(magnitude: Uint8Array): this {
    const digits = withoutLeadingZeros(magnitude);
    const first = digits[0] ?? 0;
    return first & 0x80
      ? this.uint32(digits.length + 1)
          .byte(0)
          .raw(digits)
      : this.string(digits);
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return this;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function withoutLeadingZeros(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) {
    start++;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
}
