/** The native half of @lydell/node-pty, typed as far as it is used here. Its JavaScript half loses output. */
import { createRequire } from "node:module";
import { unavailable } from "../errors/error.js";

/** A forked child on a new pseudo terminal. */
export interface ForkedPty {
  /** The master; not close-on-exec, see launcher.ts. */
  readonly fd: number;
  readonly pid: number;
  /** Path of the terminal, `/dev/pts/N`. */
  readonly pty: string;
}

/** The native module. A negative uid or gid leaves it as it is. */
export interface NativePty {
  fork(
    file: string,
    args: readonly string[],
    environment: readonly string[],
    directory: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helperPath: string,
    onExit: (code: number, signal: number) => void,
  ): ForkedPty;
  /** Opens a terminal without a program. Neither end is close-on-exec, and both are non-blocking. */
  open(
    columns: number,
    rows: number,
  ): { readonly master: number; readonly slave: number; readonly pty: string };
  resize(fd: number, columns: number, rows: number): void;
}

let loaded: NativePty | undefined;

/** Loads the native module for this platform. Throws `unavailable` where there is none. */
export function nativePty(): NativePty {
  const name = `@lydell/node-pty-${process.platform}-${process.arch}`;
  try {
    loaded ??= createRequire(import.meta.url)(`${name}/pty.node`) as NativePty;
    return loaded;
  } catch (error) {
    throw unavailable(`terminals need the package ${name}; install the optional dependencies`, {
      cause: error,
    });
  }
}
