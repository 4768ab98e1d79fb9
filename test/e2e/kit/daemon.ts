/** A daemon started as a user starts it: `teleport start -c FILE`. */
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { temporaryFolder } from "../../kit/paths.js";
import { freePorts } from "./ports.js";
import { ours, run, succeed, type Outcome, type RunOptions } from "./programs.js";

const READY = "All services are ready.";
const START_TIMEOUT_MS = 60_000;
const AUDITED_WITHIN_MS = 30_000;
const AUDIT_POLL_MS = 50;

/** Where a daemon runs: on this machine's loopback, or on a host of its own (see hosts.ts). */
export interface Place {
  /** What its listeners are bound to. */
  readonly address: string;
  /** The command and arguments that run a program there; empty for this machine. */
  readonly enter: readonly string[];
}

const HERE: Place = { address: "127.0.0.1", enter: [] };

/** Ports of an all-in-one daemon. */
export interface Ports {
  readonly auth: number;
  readonly ssh: number;
  readonly web: number;
  readonly node: number;
  readonly diag: number;
}

/** Sections of teleport.yaml to add to those of the kit. */
export interface Overrides {
  readonly teleport?: Record<string, unknown>;
  readonly auth_service?: Record<string, unknown>;
  readonly proxy_service?: Record<string, unknown>;
  readonly ssh_service?: Record<string, unknown>;
}

/** A running daemon with its folder. */
export interface Daemon {
  readonly folder: string;
  readonly dataDir: string;
  readonly configFile: string;
  readonly ports: Ports;
  readonly place: Place;
  readonly child: ChildProcess;
  /** All that it wrote so far. */
  output(): string;
  /** Resolves when the daemon has written a line that holds `text`, also before now. */
  logged(text: string): Promise<void>;
  /** Runs tctl against it; anything but exit code 0 fails. */
  tctl(...args: string[]): Promise<string>;
  runTctl(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Events of the audit log, oldest first. */
  audit(): Record<string, unknown>[];
  /** Resolves with the first audit event that matches, also one from before now; fails after 30 s or `withinMs`. */
  audited(
    matches: (event: Record<string, unknown>) => boolean,
    withinMs?: number,
  ): Promise<Record<string, unknown>>;
  /** Resolves when all events of the audit log, oldest first, are as `holds` says; fails like {@link audited}. */
  auditHolds(
    holds: (events: readonly Record<string, unknown>[]) => boolean,
    withinMs?: number,
  ): Promise<void>;
  /** Ends it with a signal and resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Starts it again on the same data. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

/** Starts an all-in-one cluster `example.test` with the node `node1`, second factor off unless overridden. */
export async function startDaemon(
  overrides: Overrides = {},
  place: Place = HERE,
  flags: readonly string[] = [],
  /** Fills the data directory before the first start. */
  prepare: (dataDir: string) => void | Promise<void> = () => undefined,
): Promise<Daemon> {
  const { folder, remove } = await temporaryFolder();
  const [auth, ssh, web, node, diag] = (await freePorts(5)) as [number, number, number, number, number];
  const ports = { auth, ssh, web, node, diag };
  const dataDir = path.join(folder, "data");
  const configFile = path.join(folder, "teleport.yaml");
  const on = (port: number): string => `${place.address}:${port}`;
  writeFileSync(
    configFile,
    stringify({
      teleport: { nodename: "node1", data_dir: dataDir, log: { severity: "INFO" }, ...overrides.teleport },
      auth_service: {
        enabled: "yes",
        cluster_name: "example.test",
        listen_addr: on(auth),
        authentication: { type: "local", second_factor: "off" },
        ...overrides.auth_service,
      },
      ssh_service: {
        enabled: "yes",
        listen_addr: on(node),
        labels: { env: "dev" },
        ...overrides.ssh_service,
      },
      proxy_service: {
        enabled: "yes",
        listen_addr: on(ssh),
        web_listen_addr: on(web),
        ...overrides.proxy_service,
      },
    }),
  );
  return startWith({ folder, dataDir, configFile, ports, place, flags, remove, prepare });
}

/** Sections of teleport.yaml by their names. */
export type Sections = Readonly<Record<string, Record<string, unknown>>>;

/** Starts a daemon with a teleport.yaml of its own and the data directory `data`; ports that it has not are 0. */
export async function startConfigured(
  sections: (dataDir: string) => Sections,
  ports: Partial<Ports>,
): Promise<Daemon> {
  const { folder, remove } = await temporaryFolder();
  const dataDir = path.join(folder, "data");
  const configFile = path.join(folder, "teleport.yaml");
  writeFileSync(configFile, stringify(sections(dataDir)));
  const all: Ports = { auth: 0, ssh: 0, web: 0, node: 0, diag: 0, ...ports };
  return startWith({ folder, dataDir, configFile, ports: all, place: HERE, flags: [], remove });
}

async function startWith(given: {
  folder: string;
  dataDir: string;
  configFile: string;
  ports: Ports;
  place: Place;
  flags: readonly string[];
  remove: () => Promise<void>;
  prepare?: (dataDir: string) => void | Promise<void>;
}): Promise<Daemon> {
  const { folder, dataDir, configFile, ports, place, flags, remove, prepare } = given;
  mkdirSync(dataDir, { mode: 0o700 });
  chmodSync(configFile, 0o600);
  const daemon = new RunningDaemon(folder, dataDir, configFile, ports, place, flags, remove);
  try {
    await prepare?.(dataDir);
  } catch (error) {
    await remove();
    throw error;
  }
  try {
    await daemon.restart();
  } catch (error) {
    await daemon.remove();
    throw error;
  }
  return daemon;
}

class RunningDaemon implements Daemon {
  child!: ChildProcess;
  #output = "";
  readonly #watchers = new Set<() => void>();

  constructor(
    readonly folder: string,
    readonly dataDir: string,
    readonly configFile: string,
    readonly ports: Ports,
    readonly place: Place,
    private readonly flags: readonly string[],
    private readonly removeFolder: () => Promise<void>,
  ) {}

  output(): string {
    return this.#output;
  }

  async restart(): Promise<void> {
    this.#output = "";
    const diag = `--diag-addr=127.0.0.1:${this.ports.diag}`;
    const teleport = [ours("teleport"), "start", "-c", this.configFile, diag, ...this.flags];
    const [command, ...args] = [...this.place.enter, ...teleport] as [string, ...string[]];
    this.child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
      for (const watcher of [...this.#watchers]) watcher();
    };
    this.child.stdout!.on("data", collect);
    this.child.stderr!.on("data", collect);
    await this.logged(READY);
  }

  logged(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const { child } = this;
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        child.off("close", onClose);
        finish();
      };
      const fail = (why: string): void => settle(() => reject(new Error(`${why}:\n${this.#output}`)));
      const look = (): void => {
        if (this.#output.includes(text)) settle(resolve);
      };
      const onClose = (): void => fail(`teleport ended before it logged "${text}"`);
      const timer = setTimeout(() => fail(`teleport did not log "${text}"`), START_TIMEOUT_MS);
      this.#watchers.add(look);
      child.once("close", onClose);
      look();
    });
  }

  tctl(...args: string[]): Promise<string> {
    const [command, ...rest] = [...this.place.enter, ours("tctl"), "-c", this.configFile, ...args];
    return succeed(command!, rest);
  }

  runTctl(args: readonly string[], options?: RunOptions): Promise<Outcome> {
    const [command, ...rest] = [...this.place.enter, ours("tctl"), "-c", this.configFile, ...args];
    return run(command!, rest, options);
  }

  audit(): Record<string, unknown>[] {
    const text = readFileSync(path.join(this.dataDir, "log", "events.log"), "utf8");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async audited(
    matches: (event: Record<string, unknown>) => boolean,
    withinMs?: number,
  ): Promise<Record<string, unknown>> {
    let found: Record<string, unknown> | undefined;
    await this.auditHolds((events) => (found = events.find(matches)) !== undefined, withinMs);
    return found!;
  }

  async auditHolds(
    holds: (events: readonly Record<string, unknown>[]) => boolean,
    withinMs = AUDITED_WITHIN_MS,
  ): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const events = this.audit();
      if (holds(events)) return;
      if (Date.now() > deadline) {
        throw new Error(`no such audit event; there are\n${events.map((e) => JSON.stringify(e)).join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, AUDIT_POLL_MS));
    }
  }

  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null)
      return Promise.resolve(this.child.exitCode);
    return new Promise((resolve) => {
      this.child.once("close", (code) => resolve(code));
      this.child.kill(signal);
    });
  }

  async remove(): Promise<void> {
    await this.stop("SIGKILL");
    await this.removeFolder();
  }
}
