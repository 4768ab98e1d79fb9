/**
 * The ways of the compatibility matrix: where sessions are recorded, what the target is, and which client goes there.
 * One cluster serves all ways of a recording mode.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { SET_INNER_SHELL } from "../../kit/inner-shell.js";
import { startAgent, type Agent } from "./agent.js";
import { startDaemon, type Daemon } from "./daemon.js";
import { freePorts } from "./ports.js";
import { ours, run, type Outcome, type RunOptions } from "./programs.js";
import { startSshd, type StockSshd } from "./sshd.js";
import { onTerminal, type Turn } from "./terminal.js";
import { addUser, PASSWORD, sshClient } from "./users.js";

/** The OS login of the tests: nodes that do not run as root have no other. */
export const LOGIN = process.env.USER ?? "root";

/** Where sessions are recorded. */
export type RecordingMode = "node" | "proxy";

/** A server to go to. */
export interface Target {
  readonly what: "our node" | "stock sshd";
  readonly host: string;
  readonly port: number;
}

/** A cluster with our node and a stock sshd, and a user who may enter both. */
export interface Matrix {
  readonly mode: RecordingMode;
  readonly daemon: Daemon;
  readonly targets: readonly [Target, Target];
  /** A configuration file for stock OpenSSH that leads to both targets, and the environment it needs. */
  readonly sshConfig: string;
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** Starts a matrix; `sshdLines` are more lines of sshd's configuration. */
export async function startMatrix(mode: RecordingMode, sshdLines: readonly string[] = []): Promise<Matrix> {
  const [sshdPort] = (await freePorts(1)) as [number];
  const daemon = await startDaemon({
    auth_service: { session_recording: mode },
    proxy_service: { unregistered_targets: [`127.0.0.1:${sshdPort}`] },
  });
  let sshd: StockSshd | undefined;
  let agent: Agent | undefined;
  const remove = async (): Promise<void> => {
    agent?.stop();
    sshd?.stop();
    await daemon.remove();
  };
  try {
    sshd = await startSshd(daemon, { port: sshdPort, lines: sshdLines });
    await addUser(daemon, "alice", LOGIN);
    const { folder } = await sshClient(daemon, "alice", LOGIN);
    agent = startAgent(path.join(folder, "id"));
    const home = path.join(daemon.folder, "tsh");
    const env = { ...agent.env, TELEPORT_HOME: home };
    const proxy = `--proxy=127.0.0.1:${daemon.ports.web}`;
    const login = await run(ours("tsh"), ["login", proxy, "--user=alice", "--insecure"], {
      env,
      input: `${PASSWORD}\n`,
    });
    if (login.code !== 0) throw new Error(`tsh login: ${login.stderr}`);
    return {
      ...{ mode, daemon, env, remove },
      sshConfig: await writeSshConfig(daemon, folder),
      targets: [
        { what: "our node", host: "node1.example.test", port: daemon.ports.node },
        { what: "stock sshd", host: "127.0.0.1", port: sshdPort },
      ],
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** As docs/operations.md tells users of stock OpenSSH: the agent goes along to the proxy, which may need it. */
async function writeSshConfig(daemon: Daemon, folder: string): Promise<string> {
  const authority = await daemon.tctl("auth", "export", "--type=host");
  const file = (name: string): string => path.join(folder, name);
  writeFileSync(file("known_hosts_all"), authority.replaceAll(/^@cert-authority \S+/gm, "@cert-authority *"));
  const shared = [
    `  UserKnownHostsFile ${file("known_hosts_all")}`,
    `  User ${LOGIN}`,
    "  BatchMode yes",
    "  ControlMaster no",
    `  ${SET_INNER_SHELL}`,
  ];
  const config = file("config_matrix");
  const toProxy = file("config_proxy");
  writeFileSync(toProxy, ["Host *", ...shared, "  ForwardAgent yes", ""].join("\n"));
  writeFileSync(
    config,
    [
      "Host *",
      ...shared,
      `  ProxyCommand ssh -F ${toProxy} -p ${daemon.ports.ssh} 127.0.0.1 -s proxy:%h:%p`,
      "",
    ].join("\n"),
  );
  return config;
}

/** A client program of the matrix. */
export interface Client {
  readonly what: "stock OpenSSH" | "tsh";
  /** Runs `command` on a target; `flags` are those that both clients share. */
  exec(target: Target, flags: readonly string[], command: string, options?: RunOptions): Promise<Outcome>;
  /** Runs a shell on a terminal. */
  shell(target: Target, dialogue: readonly Turn[]): Promise<Outcome>;
  /** Copies; a remote path starts with `:`. */
  copy(target: Target, flags: readonly string[], from: string, to: string): Promise<Outcome>;
  /** The command line of a forward without a command; it says nothing until it ends. */
  forward(target: Target, spec: string): readonly [string, ...string[]];
}

/** Both clients of a matrix. */
export function clientsOf({ sshConfig, env }: Matrix): readonly [Client, Client] {
  const tsh = ours("tsh");
  const remote = (target: Target) => (name: string) =>
    name.startsWith(":") ? `${LOGIN}@${target.host}${name}` : name;
  return [
    {
      what: "stock OpenSSH",
      exec: (target, flags, command, options) =>
        run("ssh", ["-F", sshConfig, "-p", `${target.port}`, ...flags, target.host, command], {
          ...options,
          env: { ...env, ...options?.env },
        }),
      shell: (target, dialogue) =>
        onTerminal(`ssh -F ${sshConfig} -p ${target.port} ${target.host}`, dialogue, env),
      copy: (target, flags, from, to) =>
        run("scp", ["-F", sshConfig, "-P", `${target.port}`, ...flags, ...[from, to].map(remote(target))], {
          env,
        }),
      forward: (target, spec) => [
        ...(["ssh", "-F", sshConfig, "-p", `${target.port}`, "-N", "-L", spec] as const),
        target.host,
      ],
    },
    {
      what: "tsh",
      exec: (target, flags, command, options) =>
        run(tsh, ["ssh", "-p", `${target.port}`, ...flags, `${LOGIN}@${target.host}`, command], {
          ...options,
          env: { ...env, ...options?.env },
        }),
      shell: (target, dialogue) =>
        onTerminal(`${tsh} ssh -p ${target.port} ${LOGIN}@${target.host}`, dialogue, env),
      copy: (target, flags, from, to) =>
        run(tsh, ["scp", "-P", `${target.port}`, ...flags, ...[from, to].map(remote(target))], { env }),
      forward: (target, spec) => [
        ...([tsh, "ssh", "-p", `${target.port}`, "-N", "-L", spec] as const),
        `${LOGIN}@${target.host}`,
      ],
    },
  ];
}
