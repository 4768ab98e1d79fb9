/**
 * Anonymous pipes for programs without a terminal.
 *
 * Node connects children by socket pairs, through which a program cannot open /dev/stdout or /dev/stderr (ENXIO), and
 * it offers no pipe(2). So bash makes pipes, and both ends are opened here through /proc, close-on-exec, before that
 * bash ends. They are made some at a time, ahead of need.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { errorChain, unavailable } from "../errors/error.js";

/** The two ends of a pipe. Whoever takes it closes both. */
export interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
}

const BATCH = 12;
const FIRST_DESCRIPTOR = 10;
const TIMEOUT_MS = 10_000;

/** A stock of pipes. */
export class PipePool {
  readonly #bash: string;
  readonly #stock: Pipe[] = [];
  #refill: Promise<void> | undefined;
  #closed = false;

  constructor(bash: string) {
    this.#bash = bash;
  }

  /** Takes pipes. Throws `unavailable` where they cannot be made. May be called concurrently. */
  async take(count: number): Promise<Pipe[]> {
    while (this.#stock.length < count) await this.#fill();
    const taken = this.#stock.splice(0, count);
    if (this.#stock.length < BATCH / 2) this.#fill().catch(() => undefined);
    return taken;
  }

  /** Releases the stock. Pipes that are taken belong to their takers. */
  close(): void {
    this.#closed = true;
    closePipes(this.#stock.splice(0));
  }

  #fill(): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable("this node is shutting down"));
    this.#refill ??= makePipes(this.#bash, BATCH)
      .then((pipes) => {
        if (this.#closed) closePipes(pipes);
        else this.#stock.push(...pipes);
      })
      .finally(() => {
        this.#refill = undefined;
      });
    return this.#refill;
  }
}

function makePipes(bash: string, count: number): Promise<Pipe[]> {
  const descriptors = Array.from({ length: count }, (_, i) => FIRST_DESCRIPTOR + i);
  const script = `exec ${descriptors.map((fd) => `${fd}< <(:)`).join(" ")}; echo; read -r`;
  return new Promise((resolve, reject) => {
    const maker = spawn(bash, ["--norc", "--noprofile", "-c", script], {
      stdio: ["pipe", "pipe", "ignore"],
      env: {},
      cwd: "/",
    });
    const fail = (cause?: unknown): void => {
      maker.kill("SIGKILL");
      reject(unavailable("cannot make pipes for a session on this host", { cause }));
    };
    const timer = setTimeout(() => fail(new Error("bash did not answer")), TIMEOUT_MS);
    maker.stdin.on("error", () => undefined);
    maker.on("error", fail);
    maker.on("exit", (code) => fail(new Error(`bash exited with ${code}`)));
    maker.on("close", () => clearTimeout(timer));
    maker.stdout.once("data", () => {
      try {
        resolve(openEnds(descriptors.map((fd) => `/proc/${maker.pid}/fd/${fd}`)));
      } catch (error) {
        fail(new Error(errorChain(error)));
      }
      maker.stdin.end();
    });
  });
}

function openEnds(paths: readonly string[]): Pipe[] {
  const pipes: Pipe[] = [];
  const opened: number[] = [];
  try {
    for (const path of paths) {
      const readFd = openSync(path, "r");
      opened.push(readFd);
      const writeFd = openSync(path, "w");
      opened.push(writeFd);
      pipes.push({ readFd, writeFd });
    }
    return pipes;
  } catch (error) {
    opened.forEach((fd) => closeSync(fd));
    throw error;
  }
}

function closePipes(pipes: readonly Pipe[]): void {
  for (const { readFd, writeFd } of pipes) {
    closeSync(readFd);
    closeSync(writeFd);
  }
}
