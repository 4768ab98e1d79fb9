/** A further node of a test cluster, joined by a token. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import type { Daemon } from "./daemon.js";
import { freePorts } from "./ports.js";
import { ours } from "./programs.js";
import { said } from "./said.js";

/** A running node. */
export interface JoinedNode {
  readonly port: number;
  readonly dataDir: string;
  /** Ends it by SIGKILL. */
  stop(): Promise<void>;
}

/** Starts a node and resolves once it serves. */
export async function startNode(
  daemon: Daemon,
  options: {
    name: string;
    /** Absent for a host that has its identity already. */
    token?: string;
    labels: Readonly<Record<string, string>>;
    /** Fills the data directory before the start. */
    prepare?: (dataDir: string) => void;
  },
): Promise<JoinedNode> {
  const { name, token, labels, prepare } = options;
  const dataDir = path.join(daemon.folder, `node-${name}`);
  mkdirSync(dataDir, { mode: 0o700 });
  prepare?.(dataDir);
  const [port] = (await freePorts(1)) as [number];
  const config = stringify({
    teleport: { nodename: name, data_dir: dataDir, log: { severity: "INFO" } },
    ssh_service: { enabled: "yes", listen_addr: `127.0.0.1:${port}`, labels },
  });
  const child = spawn(
    ours("teleport"),
    [
      ...["start", "--roles=node", `--auth-server=127.0.0.1:${daemon.ports.auth}`],
      ...(token === undefined ? [] : [`--token=${token}`]),
      `--config-string=${Buffer.from(config).toString("base64")}`,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      child.once("close", () => resolve());
      child.kill("SIGKILL");
    });
  try {
    child.stderr.resume();
    await said(child.stdout, "All services are ready.");
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, dataDir, stop };
}
