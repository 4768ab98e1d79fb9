/** A running program of a session, with or without a terminal. */
import type { Readable, Writable } from "node:stream";

/** How a program ended. */
export type ExitStatus = { readonly code: number } | { readonly signal: NodeJS.Signals };

/** A program in a process group of its own. All its output is readable until it ends, also after `exited`. */
export interface SessionProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Absent with a terminal, where both outputs are one. */
  readonly stderr: Readable | undefined;
  /** Resolves when the program itself has ended; children of it may go on. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Signals the process group; does nothing once the program has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Ends the program because its client is gone: hangs up, and kills the group if that does not end it. */
  hangUp(): void;
}

/** How long a program may take to end after a hang-up. */
export const HANG_UP_GRACE_MS = 5_000;

/** Signals a process group that may have gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Hangs up on a process group, and kills it after {@link HANG_UP_GRACE_MS} unless `exited` comes first. */
export function hangUpGroup(pid: number, exited: Promise<unknown>): void {
  signalGroup(pid, "SIGHUP");
  signalGroup(pid, "SIGCONT");
  const timer = setTimeout(() => signalGroup(pid, "SIGKILL"), HANG_UP_GRACE_MS);
  timer.unref();
  void exited.then(() => clearTimeout(timer));
}
