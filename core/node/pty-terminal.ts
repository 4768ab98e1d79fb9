/**
 * The daemon's end of a pseudo terminal. No output is lost: the slave is held open while the program runs, since libuv
 * ends a terminal at the first hang-up even where bytes are left; when the program has ended, what the kernel still
 * holds is read to the last byte. Background children that keep the terminal open do not delay the end.
 */
import { chmodSync, chownSync, closeSync, constants, openSync, readSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { ReadStream } from "node:tty";
import type { TerminalSize } from "../session/session-process.js";
import type { Account } from "./account.js";
import { nativePty } from "./native-pty.js";

const READ_BYTES = 64 * 1024;
/** Output passes through a kernel work queue, so that the first reads after the exit may come too early. */
const EMPTY_READS = 4;

/** Opens a terminal's slave without making it anybody's controlling one. The caller closes it. */
export function openSlave(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NOCTTY);
}

/** Makes a terminal its user's; the group `tty` may write to it (write(1)) where the system has one. */
export function giveTerminal(path: string, account: Account, ttyGroup: number | undefined): void {
  chownSync(path, account.uid, ttyGroup ?? account.gid);
  chmodSync(path, ttyGroup === undefined ? 0o600 : 0o620);
}

/** The streams of a terminal, which end when its program has. */
export class PtyTerminal {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr = undefined;
  readonly #master: ReadStream;
  readonly #fd: number;
  readonly #slave: number;
  #running = true;

  /** Takes over the master, which it closes. */
  constructor(fd: number, path: string, exited: Promise<unknown>) {
    this.#fd = fd;
    this.#slave = openSlave(path);
    this.#master = new ReadStream(fd);
    this.stdout = new Readable({
      highWaterMark: READ_BYTES,
      read: () => {
        if (this.#running) this.#master.resume();
      },
      destroy: (error, done) => {
        this.#master.destroy();
        done(error);
      },
    });
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (this.#running && !this.#master.destroyed) this.#master.write(chunk, () => done());
        else done();
      },
    });
    this.#master.on("data", (chunk: Buffer) => {
      if (!this.stdout.push(chunk) && this.#running) this.#master.pause();
    });
    this.#master.on("error", () => undefined);
    void exited.then(() => this.#drain(EMPTY_READS));
  }

  resize({ columns, rows }: TerminalSize): void {
    if (this.#running && !this.#master.destroyed) nativePty().resize(this.#fd, columns, rows);
  }

  /** Closes the terminal, because its client is gone. */
  close(): void {
    this.stdout.destroy();
  }

  /** Reads what is left, a kernel buffer at most, and closes the terminal. */
  #drain(emptyReads: number): void {
    if (this.#running) {
      this.#running = false;
      this.#master.pause();
      while (this.#master.read() !== null);
      closeSync(this.#slave);
    }
    if (this.#master.destroyed) {
      this.stdout.push(null);
      return;
    }
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      let count: number;
      try {
        count = readSync(this.#fd, buffer, 0, buffer.length, null);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN" && emptyReads > 0) {
          setTimeout(() => this.#drain(emptyReads - 1), 1);
          return;
        }
        // EIO: every holder of the terminal is gone.
        break;
      }
      if (count === 0) break;
      this.stdout.push(Buffer.from(buffer.subarray(0, count)));
    }
    this.stdout.push(null);
    this.#master.destroy();
  }
}
