import type { Command } from "commander";
import { printToStdout } from "../output.js";
import { withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";

/** `teleport status`: the SSH session that this shell runs in (features.md §1.3). */
export function configure(command: Command): void {
  command.action(() => printToStdout(sessionStatus(process.env)));
  withExamples(command, "teleport status    # inside of a session: user, cluster, host and session id");
}

/** The text of `teleport status`, from the variables that a node sets in its sessions. */
export function sessionStatus(environment: Readonly<Record<string, string | undefined>>): string {
  const value = (name: string): string => terminalText(environment[name] ?? "");
  const sessionId = value("SSH_SESSION_ID");
  const proxy = value("SSH_SESSION_WEBPROXY_ADDR");
  if (sessionId === "" || proxy === "") return "You are not inside of a Teleport SSH session\n";
  const cluster = value("SSH_TELEPORT_CLUSTER_NAME");
  const hostId = value("SSH_TELEPORT_HOST_UUID");
  const login = value("USER");
  return [
    `User ID     : ${value("SSH_TELEPORT_USER")}, logged in as ${login} from ${value("SSH_CLIENT")}`,
    `Cluster Name: ${cluster}`,
    `Host UUID   : ${hostId}`,
    `Session ID  : ${sessionId}`,
    `Session URL : https://${proxy}/web/cluster/${cluster}/node/${hostId}/${login}/${sessionId}`,
    "",
  ].join("\n");
}
