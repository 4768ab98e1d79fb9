/** tsh as one user has it: a folder of logins, and no SSH agent unless a test gives one. */
import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import type { Daemon } from "./daemon.js";
import { ours, run, type Outcome, type RunOptions } from "./programs.js";
import { onTerminal, type Turn } from "./terminal.js";
import { PASSWORD } from "./users.js";

/** A user's tsh. */
export class Tsh {
  readonly home: string;
  readonly #daemon: Daemon;

  constructor(daemon: Daemon, name: string) {
    this.#daemon = daemon;
    this.home = path.join(daemon.folder, `tsh-${name}`);
  }

  get env(): Record<string, string> {
    return { TELEPORT_HOME: this.home, SSH_AUTH_SOCK: "" };
  }

  /** Runs tsh to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run(ours("tsh"), args, { ...options, env: { ...this.env, ...options.env } });
  }

  /** Starts tsh and leaves it running. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn(ours("tsh"), args, { env: { ...process.env, ...this.env, ...env } });
  }

  /** Runs tsh on a terminal, and answers it. */
  onTerminal(args: string, ...dialogue: Turn[]): Promise<Outcome> {
    return onTerminal(`${ours("tsh")} ${args}`, dialogue, this.env);
  }

  /** Logs in with a password alone, in a cluster without second factors. */
  async login(user: string, ...flags: string[]): Promise<void> {
    const address = `--proxy=127.0.0.1:${this.#daemon.ports.web},${this.#daemon.ports.ssh}`;
    const args = ["login", address, `--user=${user}`, "--insecure", ...flags];
    const { code, stderr } = await this.run(args, { input: `${PASSWORD}\n` });
    if (code !== 0) throw new Error(`the login of ${user} failed: ${stderr}`);
  }
}
