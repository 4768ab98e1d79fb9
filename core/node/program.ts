/** What a session runs, told as a program of its login's shell. */
import { basename } from "node:path/posix";
import type { Account } from "./account.js";
import type { ScpTransfer } from "./scp-command.js";

/** What a client asked for. */
export type Program =
  | { readonly kind: "shell" }
  | { readonly kind: "exec"; readonly command: string; readonly scp: ScpTransfer | undefined }
  | { readonly kind: "subsystem"; readonly name: string; readonly command: string };

/** How to start it. */
export interface ProgramStart {
  readonly program: string;
  readonly argv0: string;
  readonly args: readonly string[];
}

/** A login shell has `-` before its name; everything else is run by the shell, so that an account without one runs nothing. */
export function programStart(program: Program, account: Account): ProgramStart {
  const name = basename(account.shell);
  return program.kind === "shell"
    ? { program: account.shell, argv0: `-${name}`, args: [] }
    : { program: account.shell, argv0: name, args: ["-c", program.command] };
}
