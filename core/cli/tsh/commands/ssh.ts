import type { Command } from "commander";
import { ExitWith, withExamples } from "../../program.js";
import { withAuth } from "../auth-client.js";
import type { Client } from "../client.js";
import { parseForward } from "../forward-spec.js";
import { readGlobalFlags } from "../global-flags.js";
import { AmbiguousNode } from "../node-connection.js";
import { verboseNodeTable } from "../node-table.js";
import { withClient } from "../relogin.js";
import { readPort } from "../ssh-port.js";
import { parseSshOptions } from "../ssh-options.js";
import { runSsh, type SshCall } from "../ssh-run.js";
import { parseSshTarget } from "../ssh-target.js";

interface SshFlags {
  readonly port?: string;
  readonly forwardAgent?: true;
  readonly forward: readonly string[];
  readonly tty?: true;
  readonly remoteExec: boolean;
  readonly local?: true;
  readonly cluster?: string;
  readonly option: readonly string[];
}

/** `tsh ssh` (features.md §3.5). What follows the host belongs to the remote command, flags included. */
export function configure(command: Command): void {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  command
    .argument("<[user@]host>", "host name, address or id of a node, or labels: k=v,k2=v2")
    .argument("[command...]", "command to run instead of a shell")
    .passThroughOptions()
    .option("-p, --port <port>", "SSH port of the node")
    .option("-A, --forward-agent", "forward the SSH agent")
    .option("-L, --forward <spec>", "forward a local port: [ip:]port:host:hostport", collect, [])
    .option("-t, --tty", "allocate a terminal for a command")
    .option("-N, --no-remote-exec", "only forward ports")
    .option("--local", "run the command on this machine, with the ports forwarded")
    .option("--cluster <name>", "cluster of the node")
    .option("-o, --option <option>", "OpenSSH option: Key=Value", collect, [])
    .action((host: string, words: readonly string[], options: SshFlags) => {
      const flags = readGlobalFlags(command);
      const call = readCall(host, words, options, flags.login);
      const chosen = options.cluster === undefined ? flags : { ...flags, cluster: options.cluster };
      return withClient(chosen, (client) => listIfAmbiguous(client, () => runSsh(client, call)));
    });
  withExamples(
    command,
    "tsh ssh root@node1                              # a shell",
    "tsh ssh node1 uptime                            # a command",
    "tsh ssh env=production,role=db df -h            # a command on all nodes with these labels",
    "tsh ssh -L 5432:127.0.0.1:5432 -N root@db1      # forward a port",
    "tsh ssh -t root@node1 top                       # a command that needs a terminal",
  );
}

function readCall(
  host: string,
  words: readonly string[],
  flags: SshFlags,
  login: string | undefined,
): SshCall {
  const warn = (message: string): void => void process.stderr.write(`${message}\n`);
  const options = parseSshOptions(flags.option, warn);
  if (flags.forwardAgent || options.forwardAgent) {
    warn("WARNING: this tsh does not forward the agent yet: -A has no effect");
  }
  if (flags.local && flags.forward.length === 0) {
    warn("Executing command locally without connecting to any servers. This makes no sense.");
  }
  return {
    target: parseSshTarget(host, login),
    port: flags.port === undefined ? 0 : readPort(flags.port),
    command: words.join(" "),
    forwards: flags.forward.map(parseForward),
    terminal: (flags.tty ?? false) || options.requestTty,
    noCommand: !flags.remoteExec,
    local: flags.local ?? false,
    strict: options.strictHostKeyChecking,
  };
}

/** Where several nodes have the name, shows them with their ids. */
async function listIfAmbiguous(client: Client, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof AmbiguousNode)) throw error;
    const nodes = await withAuth(client, (api) => api.getNodes("default"));
    const named = nodes.filter(({ spec }) => spec.hostname === error.host);
    process.stderr.write(
      `error: ${error.message}\n\n${verboseNodeTable(named.length > 0 ? named : nodes)}` +
        "Hint: try addressing the node by unique id (ex: tsh ssh user@node-id)\n" +
        "Hint: use 'tsh ls -v' to list all nodes with their unique ids\n",
    );
    throw new ExitWith(1);
  }
}
