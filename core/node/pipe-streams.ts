/** The standard streams of a program without a terminal: three pipes. */
import { closeSync, fchownSync } from "node:fs";
import { Socket } from "node:net";
import type { Account } from "./account.js";
import type { Pipe, PipePool } from "./pipe-pool.js";

/** Three pipes of which neither side is in use yet. */
export class PipeStreams {
  /** Standard input, output and errors of the child. */
  readonly childEnds: readonly [number, number, number];
  readonly #ourEnds: readonly [number, number, number];

  /** Takes pipes from the pool. Throws `unavailable` where there are none. */
  static async open(pool: PipePool): Promise<PipeStreams> {
    const [input, output, errors] = (await pool.take(3)) as [Pipe, Pipe, Pipe];
    return new PipeStreams(input, output, errors);
  }

  private constructor(input: Pipe, output: Pipe, errors: Pipe) {
    this.childEnds = [input.readFd, output.writeFd, errors.writeFd];
    this.#ourEnds = [input.writeFd, output.readFd, errors.readFd];
  }

  /** Lets an account open its streams again by name (/dev/stdout), which takes ownership of the pipes. */
  giveTo(account: Account): void {
    for (const fd of this.childEnds) fchownSync(fd, account.uid, account.gid);
  }

  /** Closes the child's ends once it has them. */
  closeChildEnds(): void {
    this.childEnds.forEach((fd) => closeSync(fd));
  }

  /** Closes our ends, where no program has started. */
  closeOurEnds(): void {
    this.#ourEnds.forEach((fd) => closeSync(fd));
  }

  /** Our ends as streams, which own the descriptors from then on. */
  connect(): ConnectedPipes {
    return new ConnectedPipes(this.#ourEnds);
  }
}

/** The daemon's ends of a running program's pipes. */
export class ConnectedPipes {
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;

  constructor([input, output, errors]: readonly [number, number, number]) {
    this.stdin = new Socket({ fd: input, readable: false, writable: true });
    this.stdout = new Socket({ fd: output, readable: true, writable: false });
    this.stderr = new Socket({ fd: errors, readable: true, writable: false });
    // A program that has closed its input is no failure of the session: what is written to it is lost.
    this.stdin.on("error", () => undefined);
  }

  /** Closes the streams, because their client is gone. */
  close(): void {
    this.stdin.destroy();
    this.stdout.destroy();
    this.stderr.destroy();
  }
}
