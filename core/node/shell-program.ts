/** What a session runs, told as a program of its login's shell. */
import { basename } from "node:path/posix";
import { unavailable } from "../errors/error.js";
import type { Program } from "../session/program.js";
import type { Account } from "./account.js";
import { findSftpServer } from "./sftp-server.js";

/** How to start it. */
export interface ProgramStart {
  readonly program: string;
  readonly argv0: string;
  readonly args: readonly string[];
}

/**
 * A login shell has `-` before its name; everything else is run by the shell, so that an account without one runs
 * nothing. Throws `unavailable` for a subsystem whose program is not installed.
 */
export function programStart(program: Program, account: Account): ProgramStart {
  const name = basename(account.shell);
  return program.kind === "shell"
    ? { program: account.shell, argv0: `-${name}`, args: [] }
    : { program: account.shell, argv0: name, args: ["-c", commandOf(program)] };
}

function commandOf(program: Exclude<Program, { kind: "shell" }>): string {
  if (program.kind === "exec") return program.command;
  const command = findSftpServer();
  if (command === undefined) {
    throw unavailable("this host has no sftp-server; install OpenSSH's, or copy with scp -O");
  }
  return command;
}
