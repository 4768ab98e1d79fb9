/** The environment of a session's process (features.md §9.1, wire.md §3.9). */
import { isIP } from "node:net";
import { parseAddress } from "../grammar/address.js";
import { isSettable } from "../session/settable-variable.js";
import type { Account } from "./account.js";

/** What a session's environment is made of. */
export interface EnvironmentFacts {
  readonly account: Account;
  readonly path: string;
  /** `ip:port` of the client and of this end. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** The cluster user, not the OS login. */
  readonly user: string;
  readonly clusterName: string;
  readonly hostId: string;
  /** First public address of a proxy, `host:port`; unknown while no proxy has registered. */
  readonly proxyAddress: string | undefined;
  /** Only with a terminal. Its path, `SSH_TTY`, is added by launcher.ts. */
  readonly terminalType?: string | undefined;
  /** Only with a terminal. */
  readonly sessionId?: string | undefined;
  /** Path of the forwarded agent's socket. */
  readonly agentSocket?: string | undefined;
  /** Name of the forwarded X11 display. */
  readonly display?: string | undefined;
  /** What the client asked for by `env` requests. */
  readonly requested: ReadonlyMap<string, string>;
  /** The user's own file, where the administrator permits it. */
  readonly userFile: ReadonlyMap<string, string>;
}

/** Builds the environment. What the client or the user asks for replaces defaults, but never `SSH_*`. */
export function buildEnvironment(facts: EnvironmentFacts): Map<string, string> {
  const { account, terminalType } = facts;
  const environment = new Map<string, string>([
    ["LANG", "en_US.UTF-8"],
    ["HOME", account.home],
    ["USER", account.name],
    ["LOGNAME", account.name],
    ["SHELL", account.shell],
    ["PATH", facts.path],
  ]);
  if (terminalType !== undefined) environment.set("TERM", terminalType);
  for (const [name, value] of [...facts.requested, ...facts.userFile]) {
    if (isSettable(name, value)) environment.set(name, value);
  }
  for (const [name, value] of sessionVariables(facts)) environment.set(name, value);
  return environment;
}

function sessionVariables(facts: EnvironmentFacts): [string, string][] {
  const remote = splitAddress(facts.remoteAddress);
  const local = splitAddress(facts.localAddress);
  const variables: [string, string][] = [
    ["SSH_CLIENT", `${remote.host} ${remote.port} ${local.port}`],
    ["SSH_CONNECTION", `${remote.host} ${remote.port} ${local.host} ${local.port}`],
    ["SSH_SESSION_WEBPROXY_ADDR", facts.proxyAddress ?? "<proxyhost>:3080"],
    ["SSH_TELEPORT_HOST_UUID", facts.hostId],
    ["SSH_TELEPORT_CLUSTER_NAME", facts.clusterName],
    ["SSH_TELEPORT_USER", facts.user],
  ];
  if (facts.sessionId !== undefined) variables.push(["SSH_SESSION_ID", facts.sessionId]);
  if (facts.display !== undefined) variables.push(["DISPLAY", facts.display]);
  if (facts.agentSocket !== undefined) {
    variables.push(["SSH_AUTH_SOCK", facts.agentSocket], ["SSH_AGENT_PID", String(process.pid)]);
  }
  return variables;
}

/** Splits the address of one end of a connection, which may have no port. */
export function splitAddress(text: string): { host: string; port: number } {
  // Behind a tunnel there may be no address of our own.
  if (text === "") return { host: "0.0.0.0", port: 0 };
  if (isIP(text) !== 0) return { host: text, port: 0 };
  return parseAddress(text, 0);
}
