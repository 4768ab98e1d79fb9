import { mkdir, open, stat, truncate, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { unavailable } from "../errors/error.js";

const NEWLINE = 0x0a;
/** More than any event has, so that a page always holds a whole line. */
const PAGE_BYTES = 1024 * 1024;

/** A page of lines, and the offset behind them. */
export interface SpillPage {
  readonly lines: readonly string[];
  readonly end: number;
}

/**
 * A file of lines that are appended at its end and taken from its start. Calls must not overlap: the queue that owns
 * it keeps them apart.
 */
export class SpillFile {
  readonly path: string;
  #sizeBytes = 0;
  #takenBytes = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Bytes that have not been taken. */
  get waitingBytes(): number {
    return this.#sizeBytes - this.#takenBytes;
  }

  /** Looks at what an earlier run left. */
  async load(): Promise<void> {
    try {
      this.#sizeBytes = (await stat(this.path)).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw this.#failed("read", error);
    }
  }

  /** Appends a line (or several, joined by newlines) durably, whole or not at all. Creates file (0640) and directory. Throws `unavailable`. */
  async append(line: string): Promise<void> {
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      const file = await open(this.path, "a+", 0o600);
      try {
        await this.#appendTo(file, line);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw this.#failed("write", error);
    }
  }

  /** Reads the next lines without taking them. */
  async page(): Promise<SpillPage> {
    try {
      const file = await open(this.path, "r");
      try {
        const length = Math.min(PAGE_BYTES, this.waitingBytes);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, this.#takenBytes);
        const bytes = buffer.subarray(0, bytesRead);
        const atEnd = this.#takenBytes + bytesRead >= this.#sizeBytes;
        const lineEnd = bytes.lastIndexOf(NEWLINE) + 1;
        const end = atEnd || lineEnd === 0 ? bytesRead : lineEnd;
        return { lines: bytes.toString("utf8", 0, end).split("\n"), end: this.#takenBytes + end };
      } finally {
        await file.close();
      }
    } catch (error) {
      throw this.#failed("read", error);
    }
  }

  /** Takes the lines of a page. The file is emptied when all are taken. */
  async take(page: SpillPage): Promise<void> {
    this.#takenBytes = Math.max(this.#takenBytes, page.end);
    if (this.waitingBytes > 0) return;
    try {
      // During a restart two processes keep events here: what the other one appended is delivered, not cut off.
      this.#sizeBytes = (await stat(this.path)).size;
      if (this.waitingBytes > 0) return;
      await truncate(this.path, 0);
    } catch (error) {
      throw this.#failed("write", error);
    }
    this.#sizeBytes = 0;
    this.#takenBytes = 0;
  }

  async #appendTo(file: FileHandle, line: string): Promise<void> {
    const { size } = await file.stat();
    try {
      await file.appendFile((await endsInLine(file, size)) ? `${line}\n` : `\n${line}\n`);
      await file.sync();
      this.#sizeBytes = (await file.stat()).size;
    } catch (error) {
      await file.truncate(size).catch(() => undefined);
      throw error;
    }
  }

  #failed(action: string, error: unknown): Error {
    return unavailable(
      `cannot ${action} the kept audit events in ${this.path}; check the disk and its free space`,
      {
        cause: error,
      },
    );
  }
}

/** A crash may have torn the last line: the next one must not be glued to it. */
async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === NEWLINE;
}
