/** A program without a terminal: three pipes. */
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { unavailable } from "../errors/error.js";
import type { ExitStatus, SessionProcess } from "../session/session-process.js";
import { launchCommand, type Launch, type LaunchTools } from "./launcher.js";
import type { PipePool } from "./pipe-pool.js";
import { type ConnectedPipes, PipeStreams } from "./pipe-streams.js";
import { hangUpGroup, signalGroup } from "./process-group.js";

/** Starts a program with pipes as its standard streams. Throws `unavailable` where it cannot be started. */
export async function startPipedProcess(
  launch: Launch,
  tools: LaunchTools,
  pipes: PipePool,
): Promise<SessionProcess> {
  const streams = await PipeStreams.open(pipes);
  try {
    if (tools.setpriv !== undefined) streams.giveTo(launch.account);
    const command = launchCommand(tools, launch);
    const child = spawn(command.file, command.args, {
      stdio: [...streams.childEnds],
      env: command.environment,
      cwd: "/",
      detached: true,
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      if (child.pid !== undefined) resolve(child.pid);
    });
    const exited = new Promise<ExitStatus>((resolve) => {
      child.once("exit", (code, signal) => resolve(signal === null ? { code: code ?? 255 } : { signal }));
    });
    return new PipedProcess(pid, streams.connect(), exited);
  } catch (error) {
    streams.closeOurEnds();
    throw unavailable("cannot start a program on this host", { cause: error });
  } finally {
    streams.closeChildEnds();
  }
}

class PipedProcess implements SessionProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  #running = true;

  constructor(
    readonly pid: number,
    readonly streams: ConnectedPipes,
    readonly exited: Promise<ExitStatus>,
  ) {
    this.stdin = streams.stdin;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    void exited.then(() => {
      this.#running = false;
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#running) signalGroup(this.pid, signal);
  }

  hangUp(): void {
    this.streams.close();
    if (this.#running) hangUpGroup(this.pid, this.exited);
  }
}
