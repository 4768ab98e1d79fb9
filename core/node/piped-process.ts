/** A program without a terminal: three pipes. */
import { spawn } from "node:child_process";
import { closeSync, fchownSync } from "node:fs";
import { Socket } from "node:net";
import { unavailable } from "../errors/error.js";
import type { ExitStatus, SessionProcess } from "../session/session-process.js";
import { launchCommand, type Launch, type LaunchTools } from "./launcher.js";
import type { Pipe, PipePool } from "./pipe-pool.js";
import { hangUpGroup, signalGroup } from "./process-group.js";

/** Starts a program with pipes as its standard streams. Throws `unavailable` where it cannot be started. */
export async function startPipedProcess(
  launch: Launch,
  tools: LaunchTools,
  pipes: PipePool,
): Promise<SessionProcess> {
  const [input, output, errors] = (await pipes.take(3)) as [Pipe, Pipe, Pipe];
  const childEnds = [input.readFd, output.writeFd, errors.writeFd];
  const ourEnds = [input.writeFd, output.readFd, errors.readFd];
  try {
    // The program may open its streams again by name (/dev/stdout), which takes ownership of the pipe.
    if (tools.setpriv !== undefined) {
      for (const fd of childEnds) fchownSync(fd, launch.account.uid, launch.account.gid);
    }
    const command = launchCommand(tools, launch);
    const child = spawn(command.file, command.args, {
      stdio: childEnds,
      env: command.environment,
      cwd: "/",
      detached: true,
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      if (child.pid !== undefined) resolve(child.pid);
    });
    return new PipedProcess(
      pid,
      ourEnds,
      new Promise((resolve) => {
        child.once("exit", (code, signal) => resolve(signal === null ? { code: code ?? 255 } : { signal }));
      }),
    );
  } catch (error) {
    ourEnds.forEach((fd) => closeSync(fd));
    throw unavailable("cannot start a program on this host", { cause: error });
  } finally {
    childEnds.forEach((fd) => closeSync(fd));
  }
}

class PipedProcess implements SessionProcess {
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  #running = true;

  constructor(
    readonly pid: number,
    [input, output, errors]: readonly number[],
    readonly exited: Promise<ExitStatus>,
  ) {
    this.stdin = new Socket({ fd: input as number, readable: false, writable: true });
    this.stdout = new Socket({ fd: output as number, readable: true, writable: false });
    this.stderr = new Socket({ fd: errors as number, readable: true, writable: false });
    // A program that has closed its input is no failure of the session: what is written to it is lost.
    this.stdin.on("error", () => undefined);
    void exited.then(() => {
      this.#running = false;
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#running) signalGroup(this.pid, signal);
  }

  hangUp(): void {
    this.stdin.destroy();
    this.stdout.destroy();
    this.stderr.destroy();
    if (this.#running) hangUpGroup(this.pid, this.exited);
  }
}
