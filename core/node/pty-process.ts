/**
 * A program on a pseudo terminal. No output is lost: the slave is held open while the program runs, since libuv ends a
 * terminal at the first hang-up even where bytes are left; when the program has ended, what the kernel still holds is
 * read to the last byte. Background children that keep the terminal open do not delay the end.
 */
import { chmodSync, chownSync, closeSync, constants, openSync, readSync } from "node:fs";
import { constants as os } from "node:os";
import { Readable, Writable } from "node:stream";
import { ReadStream } from "node:tty";
import { unavailable } from "../errors/error.js";
import type { ExitStatus, SessionProcess, TerminalSize } from "../session/session-process.js";
import { launchCommand, type Launch, type LaunchTools } from "./launcher.js";
import { type ForkedPty, nativePty } from "./native-pty.js";
import { hangUpGroup, signalGroup } from "./process-group.js";

/** A program with a terminal. */
export interface PtyProcess extends SessionProcess {
  /** Path of the terminal, `/dev/pts/N`. */
  readonly terminal: string;
  resize(size: TerminalSize): void;
}

/** Arguments for {@link startPtyProcess}: the environment may depend on the terminal's path. */
export interface PtyLaunch {
  readonly size: TerminalSize;
  /** Group that owns terminals (`tty`), for write(1). */
  readonly ttyGroup: number | undefined;
}

const READ_BYTES = 64 * 1024;
/** Output passes through a kernel work queue, so that the first reads after the exit may come too early. */
const EMPTY_READS = 4;

/** Starts a program on a new terminal that belongs to its user. Throws `unavailable` where it cannot be started. */
export function startPtyProcess(
  launch: Launch,
  tools: LaunchTools,
  { size, ttyGroup }: PtyLaunch,
): PtyProcess {
  const command = launchCommand(tools, launch);
  const environment = Object.entries(command.environment).map(([name, value]) => `${name}=${value}`);
  let settle: (status: ExitStatus) => void = () => undefined;
  const exit = new Promise<ExitStatus>((resolve) => {
    settle = resolve;
  });
  try {
    const forked = nativePty().fork(
      command.file,
      command.args,
      environment,
      "/",
      size.columns,
      size.rows,
      -1,
      -1,
      true,
      "",
      (code, signal) => settle(signal === 0 ? { code } : { signal: signalName(signal) }),
    );
    if (tools.setpriv !== undefined) {
      chownSync(forked.pty, launch.account.uid, ttyGroup ?? launch.account.gid);
      chmodSync(forked.pty, ttyGroup === undefined ? 0o600 : 0o620);
    }
    return new ForkedProcess(forked, exit);
  } catch (error) {
    throw unavailable("cannot open a terminal on this host", { cause: error });
  }
}

class ForkedProcess implements PtyProcess {
  readonly pid: number;
  readonly terminal: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr = undefined;
  readonly exited: Promise<ExitStatus>;
  readonly #fd: number;
  readonly #slave: number;
  readonly #master: ReadStream;
  #running = true;

  constructor(forked: ForkedPty, exited: Promise<ExitStatus>) {
    this.pid = forked.pid;
    this.terminal = forked.pty;
    this.exited = exited;
    this.#fd = forked.fd;
    this.#slave = openSync(forked.pty, constants.O_RDWR | constants.O_NOCTTY);
    this.#master = new ReadStream(forked.fd);
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

  kill(signal: NodeJS.Signals): void {
    if (this.#running) signalGroup(this.pid, signal);
  }

  hangUp(): void {
    if (this.#running) hangUpGroup(this.pid, this.exited);
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

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(os.signals).find(([, value]) => value === number);
  return (found?.[0] ?? "SIGKILL") as NodeJS.Signals;
}
