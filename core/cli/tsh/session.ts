/** Runs a program on a node with the streams of this process, from the start to its exit code. */
import type { Readable, Transform, Writable } from "node:stream";
import type { SshChannel, SshConnection } from "../../ssh/contract.js";
import { rfc822Time } from "../human-time.js";
import { ExitWith } from "../program.js";
import { startRemoteProcess, type RemoteExit, type RemoteProgram } from "./remote-process.js";
import { orSignal, signalExitCode } from "./signals.js";
import { enterRawMode, onResize } from "./terminal.js";

const CTRL_D = "\u0004";
const CTRL_D_INTERVAL_MS = 500;

/** The streams of a session; those of the process, unless a test gives others. */
export interface SessionStreams {
  /** Absent where the program is to see the end of its input at once. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Stands between stdin and the program, to act on some keys. */
  readonly keys?: ((actions: KeyActions) => Transform) | undefined;
}

/** What keys can do besides reaching the program. */
export interface KeyActions {
  /** Leaves the session with an exit code and, unless it is empty, a line on stderr. */
  readonly leave: (exitCode: number, message: string) => void;
  /** Shows a text on the user's terminal. */
  readonly show: (text: string) => void;
}

/** The streams of this process. */
export const processStreams = (): SessionStreams => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});

/**
 * Runs a program and returns how it ended, after all its output has been written. With a terminal, keys go through
 * unread and the window's size follows. Ends with {@link ExitWith} when a signal or a key ends it from this side.
 */
export async function runSession(
  connection: SshConnection,
  program: RemoteProgram,
  streams: SessionStreams,
): Promise<RemoteExit> {
  const remote = await startRemoteProcess(connection, program);
  const { channel } = remote;
  const interactive = program.terminal !== undefined;
  const leaveRawMode = interactive ? enterRawMode() : undefined;
  const stopResizing = interactive ? onResize((size) => remote.resize(size)) : undefined;
  let stdin = streams.stdin;
  let leave: (exit: ExitWith) => void = () => undefined;
  const left = new Promise<{ exit: ExitWith }>((resolve) => (leave = (exit) => resolve({ exit })));
  if (streams.stdin !== undefined && streams.keys !== undefined) {
    stdin = streams.stdin.pipe(
      streams.keys({
        leave: (exitCode, message) => leave(new ExitWith(exitCode, message)),
        show: (text) => void streams.stderr.write(text),
      }),
    );
  }
  try {
    feed(stdin, channel, interactive);
    const finished = Promise.all([
      copy(channel, streams.stdout),
      copy(channel.extended, streams.stderr),
      remote.exit,
    ]).then(([, , exit]) => exit);
    finished.catch(() => undefined);
    const outcome = await Promise.race([orSignal(finished), left]);
    if ("value" in outcome) return outcome.value;
    connection.disconnect("interrupted");
    throw "exit" in outcome ? outcome.exit : new ExitWith(signalExitCode(outcome.signal));
  } finally {
    stdin?.unpipe(channel);
    streams.stdin?.unpipe();
    streams.stdin?.pause();
    stopResizing?.();
    leaveRawMode?.();
  }
}

/** The exit code of this process for a program that has ended, as a shell would give it. */
export function exitCodeOf(exit: RemoteExit): number {
  return "code" in exit ? exit.code & 0xff : signalExitCode(`SIG${exit.signal}`);
}

/** The line on stderr for a command that failed; undefined for one that did not. */
export function failureLine(exit: RemoteExit): string | undefined {
  if ("signal" in exit) return `error: Process exited due to signal ${exit.signal}`;
  return exit.code === 0 ? undefined : `error: Process exited with status ${exit.code}`;
}

/** The line that ends a shell on the user's terminal. */
export function closedLine(now: Date): string {
  return `the connection was closed on the remote side on  ${rfc822Time(now)}\n`;
}

function feed(stdin: Readable | undefined, channel: SshChannel, interactive: boolean): void {
  if (stdin === undefined) {
    channel.end();
    return;
  }
  stdin.pipe(channel, { end: !interactive });
  if (interactive) stdin.once("end", () => typeEnd(channel));
}

/**
 * A terminal knows no end of input: its programs are told by Ctrl-D, as if somebody typed it. A program that is just
 * changing the terminal's mode loses what was typed before, so it is typed until the session ends.
 */
function typeEnd(channel: SshChannel): void {
  channel.write(CTRL_D);
  const timer = setInterval(() => channel.write(CTRL_D), CTRL_D_INTERVAL_MS);
  void channel.whenClosed.then(() => clearInterval(timer));
}

/** Copies to the end, no faster than the target takes it. What a lost connection cuts off ends quietly. */
async function copy(source: Readable, target: Writable): Promise<void> {
  try {
    for await (const chunk of source) await written(target, chunk as Buffer);
  } catch (error) {
    // The end of the session says why; a target that fails is an error of its own.
    if (target.errored) throw error;
  }
}

function written(target: Writable, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    target.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}
