/** A program whose session PAM opens and closes, with or without a terminal. */
import { closeSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { hasCode, unavailable } from "../../errors/error.js";
import type { ExitStatus, SessionProcess, TerminalSize } from "../../session/session-process.js";
import type { Launch } from "../launcher.js";
import { nativePty } from "../native-pty.js";
import type { PtyProcess } from "../pty-process.js";
import type { PipePool } from "../pipe-pool.js";
import { PipeStreams } from "../pipe-streams.js";
import { giveTerminal, openSlave, PtyTerminal } from "../pty-terminal.js";
import { type Guard, type GuardOptions, startGuarded } from "./pam-guard.js";
import type { PamRequest } from "./pam-messages.js";

/** What every program of a login is started with. */
export interface PamLaunch extends Omit<GuardOptions, "request" | "streams"> {
  readonly request: Omit<PamRequest, "launch" | "tools" | "terminal">;
  readonly launch: Launch;
}

/** Starts a program with pipes. Throws as {@link startGuarded} does. */
export async function startPamPiped(options: PamLaunch, pipes: PipePool): Promise<SessionProcess> {
  const streams = await PipeStreams.open(pipes);
  try {
    streams.giveTo(options.launch.account);
    const guard = await guarded(options, undefined, streams.childEnds);
    return new PamProcess(guard, streams.connect());
  } catch (error) {
    streams.closeOurEnds();
    throw error;
  } finally {
    streams.closeChildEnds();
  }
}

/** Starts a program on a new terminal. Throws as {@link startGuarded} does. */
export async function startPamPty(
  options: PamLaunch,
  { columns, rows }: TerminalSize,
  ttyGroup: number | undefined,
): Promise<PtyProcess> {
  const { master, slave: shared, pty } = openPty(columns, rows);
  // That end is non-blocking, which programs do not expect, for all who share it.
  const slave = openSlave(pty);
  closeSync(shared);
  try {
    giveTerminal(pty, options.launch.account, ttyGroup);
    const launch = { ...options.launch, terminalModes: ["iutf8", ...(options.launch.terminalModes ?? [])] };
    const guard = await guarded({ ...options, launch }, pty, [slave, slave, slave]);
    return new PamPtyProcess(guard, new PtyTerminal(master, pty, guard.exited), pty);
  } catch (error) {
    closeSync(master);
    throw error;
  } finally {
    closeSync(slave);
  }
}

function guarded(
  { request, launch, ...rest }: PamLaunch,
  terminal: string | undefined,
  streams: readonly [number, number, number],
): Promise<Guard> {
  return startGuarded({ ...rest, streams, request: { ...request, launch, terminal, tools: rest.tools } });
}

function openPty(columns: number, rows: number): ReturnType<ReturnType<typeof nativePty>["open"]> {
  try {
    return nativePty().open(columns, rows);
  } catch (error) {
    if (hasCode(error, "unavailable")) throw error;
    throw unavailable("cannot open a terminal on this host", { cause: error });
  }
}

/** The daemon's ends of a program's standard streams. */
interface Streams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable | undefined;
  close(): void;
}

class PamProcess implements SessionProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable | undefined;
  readonly exited: Promise<ExitStatus>;

  constructor(
    readonly guard: Guard,
    readonly streams: Streams,
  ) {
    this.stdin = streams.stdin;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.exited = guard.exited;
  }

  kill(signal: NodeJS.Signals): void {
    this.guard.order({ signal });
  }

  hangUp(): void {
    this.guard.order({ hangUp: true });
    this.streams.close();
  }
}

/** With a terminal; the guard stands for the program, whose first process it is the parent of. */
class PamPtyProcess extends PamProcess implements PtyProcess {
  readonly pid: number;

  constructor(
    guard: Guard,
    private readonly pty: PtyTerminal,
    readonly terminal: string,
  ) {
    super(guard, pty);
    this.pid = guard.pid;
  }

  resize(size: TerminalSize): void {
    this.pty.resize(size);
  }
}
