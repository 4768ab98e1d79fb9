/** A program on a pseudo terminal. */
import { constants as os } from "node:os";
import type { Readable, Writable } from "node:stream";
import { unavailable } from "../errors/error.js";
import type { ExitStatus, SessionProcess, TerminalSize } from "../session/session-process.js";
import { launchCommand, type Launch, type LaunchTools } from "./launcher.js";
import { type ForkedPty, nativePty } from "./native-pty.js";
import { hangUpGroup, signalGroup } from "./process-group.js";
import { giveTerminal, PtyTerminal } from "./pty-terminal.js";

/** A program with a terminal. */
export interface PtyProcess extends SessionProcess {
  /** The first process on the terminal. */
  readonly pid: number;
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
    if (tools.setpriv !== undefined) giveTerminal(forked.pty, launch.account, ttyGroup);
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
  readonly #streams: PtyTerminal;
  #running = true;

  constructor(
    forked: ForkedPty,
    readonly exited: Promise<ExitStatus>,
  ) {
    this.pid = forked.pid;
    this.terminal = forked.pty;
    this.#streams = new PtyTerminal(forked.fd, forked.pty, exited);
    this.stdin = this.#streams.stdin;
    this.stdout = this.#streams.stdout;
    void exited.then(() => {
      this.#running = false;
    });
  }

  resize(size: TerminalSize): void {
    this.#streams.resize(size);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#running) signalGroup(this.pid, signal);
  }

  hangUp(): void {
    if (this.#running) hangUpGroup(this.pid, this.exited);
    this.#streams.close();
  }
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(os.signals).find(([, value]) => value === number);
  return (found?.[0] ?? "SIGKILL") as NodeJS.Signals;
}
