import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";

const START_MS = 30_000;

/** One etcd server process, which tests end, freeze and start again on the same data. */
export class EtcdMember {
  #child: ChildProcess | undefined;
  #said = "";

  constructor(
    readonly name: string,
    /** The URL for clients. */
    readonly endpoint: string,
    /** Serves `/health` and `/metrics` over plain HTTP without authentication. */
    readonly metricsUrl: string,
    private readonly args: readonly string[],
  ) {}

  /** Starts the process; {@link ready} says when it serves. */
  spawn(): void {
    const child = spawn("etcd", this.args, { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.on("data", (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-4000)));
    child.once("error", (error) => (this.#said += error.message));
    this.#child = child;
  }

  /** Resolves when the member is healthy, which a member of a cluster without a leader is not. */
  async ready(): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (!(await this.healthy())) {
      if (this.#child?.exitCode !== null || Date.now() > deadline) {
        throw new Error(`etcd ${this.name} did not start: ${this.#said}`);
      }
      await pause(50);
    }
  }

  /** Whether the member knows a leader and can write. */
  async healthy(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(3000);
      return (await fetch(`${this.metricsUrl}/health`, { signal })).ok;
    } catch {
      return false;
    }
  }

  /** Whether this member leads the cluster. */
  async leads(): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(1000);
      const metrics = await (await fetch(`${this.metricsUrl}/metrics`, { signal })).text();
      return /^etcd_server_is_leader 1$/m.test(metrics);
    } catch {
      return false;
    }
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await gone;
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  /** SIGCONT. */
  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Starts a killed member on its old data and waits until it is ready. */
  async restart(): Promise<void> {
    await this.kill();
    this.spawn();
    await this.ready();
  }
}
