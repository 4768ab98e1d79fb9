/** A running program of a session, with or without a terminal, on this host or behind it. */
import type { Readable, Writable } from "node:stream";

/** How a program ended. */
export type ExitStatus = { readonly code: number } | { readonly signal: NodeJS.Signals };

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A running program. All its output is readable until it ends, also after `exited`. */
export interface SessionProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Absent with a terminal, where both outputs are one. */
  readonly stderr: Readable | undefined;
  /** Resolves when the program itself has ended; children of it may go on. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Signals the program and those it has started; does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Ends the program because its client is gone: hangs up, and kills it if that does not end it. */
  hangUp(): void;
  /** Changes the size of the terminal; absent without one. */
  resize?(size: TerminalSize): void;
}
