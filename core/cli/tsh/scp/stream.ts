/** The lines, bytes and answers of the classic scp protocol over a byte stream. The other side is not trusted. */
import { isUtf8 } from "node:buffer";
import type { Duplex } from "node:stream";
import { unavailable } from "../../../errors/error.js";
import { terminalText } from "../../terminal-text.js";

/** What the other side answers: all is well, a warning, or the end of the copy. */
export type ScpAnswer =
  { readonly kind: "ok" } | { readonly kind: "warning" | "fatal"; readonly message: string };

const OK = 0;
const WARNING = 1;
const FATAL = 2;
const NEWLINE = 0x0a;
/** Longest line: a path of 4096 bytes and what stands before it. */
const MAX_LINE_BYTES = 8192;

/** One side's view of the protocol. */
export class ScpStream {
  readonly #stream: Duplex;
  readonly #chunks: AsyncIterator<Buffer>;
  #waiting: Buffer = Buffer.alloc(0);

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** Reads an answer. Throws `unavailable` where the other side has gone or breaks the protocol. */
  async answer(): Promise<ScpAnswer> {
    const code = (await this.#some())?.[0];
    if (code === OK) {
      this.#waiting = this.#waiting.subarray(1);
      return { kind: "ok" };
    }
    if (code !== WARNING && code !== FATAL) throw ended();
    return this.#complaint((await this.line()) ?? "");
  }

  /** Reads a line without its end; undefined at the end of the stream. */
  async line(): Promise<string | undefined> {
    let searched = 0;
    for (;;) {
      const end = this.#waiting.indexOf(NEWLINE, searched);
      if (end > MAX_LINE_BYTES || (end < 0 && this.#waiting.length > MAX_LINE_BYTES)) {
        throw unavailable("the node breaks the scp protocol: a line is too long");
      }
      if (end >= 0) {
        const line = this.#waiting.subarray(0, end);
        this.#waiting = this.#waiting.subarray(end + 1);
        if (!isUtf8(line)) throw unavailable("the node sent a name that is not UTF-8");
        return line.toString("utf8");
      }
      searched = this.#waiting.length;
      if (!(await this.#append())) {
        if (this.#waiting.length > 0) throw ended();
        return undefined;
      }
    }
  }

  /** Reads a complaint that stands in the place of a line; undefined for any other line. */
  complaintIn(line: string): ScpAnswer | undefined {
    return /^[\u0001\u0002]/.test(line) ? this.#complaint(line) : undefined;
  }

  /** Yields exactly so many bytes. Throws `unavailable` where there are fewer. */
  async *bytes(count: number): AsyncGenerator<Buffer, void, void> {
    for (let left = count; left > 0;) {
      const chunk = await this.#some();
      if (chunk === undefined) throw ended();
      const taken = chunk.subarray(0, left);
      this.#waiting = chunk.subarray(taken.length);
      left -= taken.length;
      yield taken;
    }
  }

  /** Writes; resolves when the other side's window has taken all. */
  write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Answers that all is well. */
  accept(): Promise<void> {
    return this.write(Buffer.of(OK));
  }

  /** Answers that this one file failed. */
  refuse(message: string): Promise<void> {
    return this.write(`\u0001scp: ${message.replaceAll("\n", " ")}\n`);
  }

  /** Says that nothing more comes. */
  end(): void {
    this.#stream.end();
  }

  #complaint(line: string): ScpAnswer {
    const kind = line.charCodeAt(0) === WARNING ? "warning" : "fatal";
    return { kind, message: terminalText(line.slice(1)) };
  }

  async #some(): Promise<Buffer | undefined> {
    while (this.#waiting.length === 0) if (!(await this.#append())) return undefined;
    return this.#waiting;
  }

  async #append(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#waiting = this.#waiting.length === 0 ? next.value : Buffer.concat([this.#waiting, next.value]);
    return true;
  }
}

function ended(): Error {
  return unavailable("the node ended the copy");
}
