import { Option, type Command } from "commander";
import { badParameter } from "../../../errors/error.js";
import { parseDuration } from "../../../grammar/duration.js";
import { ExitWith, withExamples } from "../../program.js";
import { withAuth } from "../auth-client.js";
import type { Client } from "../client.js";
import { parseDynamicForward, parseLocalForward, parseRemoteForward } from "../forwarding/forward-spec.js";
import { isEmptyPlan, type ForwardPlan } from "../forwarding/start-forwards.js";
import { readGlobalFlags } from "../global-flags.js";
import { AmbiguousNode } from "../node-connection.js";
import { verboseNodeTable } from "../node-table.js";
import { withClient } from "../relogin.js";
import { readPort } from "../ssh-port.js";
import { parseSshOptions, type SshOptions } from "../ssh-options.js";
import type { X11Choice } from "../session-wishes.js";
import { runSsh, type SshCall } from "../ssh-run.js";
import { parseSshTarget } from "../ssh-target.js";

interface SshFlags {
  readonly port?: string;
  readonly forwardAgent?: true;
  readonly forward: readonly string[];
  readonly remoteForward: readonly string[];
  readonly dynamicForward: readonly string[];
  readonly tty?: true;
  readonly remoteExec: boolean;
  readonly local?: true;
  readonly cluster?: string;
  readonly option: readonly string[];
  readonly x11Untrusted?: true;
  readonly x11Trusted?: true;
  readonly x11UntrustedTimeout: string;
  readonly enableEscapeSequences: boolean;
}

/** `tsh ssh` (features.md §3.5). What follows the host belongs to the remote command, flags included. */
export function configure(command: Command): void {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  command
    .argument("<[user@]host>", "host name, address or id of a node, or labels: k=v,k2=v2")
    .argument("[command...]", "command to run instead of a shell")
    .passThroughOptions()
    .option("-p, --port <port>", "SSH port of the node")
    .option("-A, --forward-agent", "forward the SSH agent, or the login of tsh where none runs")
    .option("-L, --forward <spec>", "forward a local port: [ip:]port:host:hostport", collect, [])
    .option("-R, --remote-forward <spec>", "forward a port of the node: [ip:]port:host:hostport", collect, [])
    .option("-D, --dynamic-forward <spec>", "forward by SOCKS: [ip]:port", collect, [])
    .option("-X, --x11-untrusted", "forward X11 to clients that are not trusted")
    .option("-Y, --x11-trusted", "forward X11 to clients that may do all that local ones may")
    .option("--x11-untrusted-timeout <time>", "how long -X lets clients in", "10m")
    .option("-t, --tty", "allocate a terminal for a command")
    .option("-N, --no-remote-exec", "only forward ports")
    .option("--local", "run the command on this machine, with the ports forwarded")
    .option("--no-enable-escape-sequences", "send ~. and ~? to the node like other keys")
    .addOption(new Option("--enable-escape-sequences", "act on ~. and ~?").hideHelp())
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
    "tsh ssh -L 5432:127.0.0.1:5432 -N root@db1      # a port of this machine leads to the node's",
    "tsh ssh -R 8080:127.0.0.1:80 -N root@web1       # a port of the node leads to this machine's",
    "tsh ssh -D 1080 -N root@node1                   # browse through the node by SOCKS",
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
  const forwards = {
    local: flags.forward.map(parseLocalForward),
    remote: flags.remoteForward.map(parseRemoteForward),
    dynamic: flags.dynamicForward.map(parseDynamicForward),
    unlinkFirst: options.streamLocalBindUnlink ?? false,
    needed: neededForwards(flags, options),
  };
  if (flags.local && isEmptyPlan(forwards)) {
    warn("Executing command locally without connecting to any servers. This makes no sense.");
  }
  return {
    target: parseSshTarget(host, login),
    port: flags.port === undefined ? 0 : readPort(flags.port),
    command: words.join(" "),
    forwards,
    terminal: (flags.tty ?? false) || (options.requestTty ?? false),
    noCommand: !flags.remoteExec,
    local: flags.local ?? false,
    strict: options.strictHostKeyChecking ?? true,
    forwardAgent: options.forwardAgent ?? flags.forwardAgent ?? false,
    x11: readX11(flags, options),
    escapes: flags.enableEscapeSequences,
  };
}

/** A command that only forwards has nothing to do without a forward. */
function neededForwards(flags: SshFlags, options: SshOptions): ForwardPlan["needed"] {
  if (options.exitOnForwardFailure) return "all";
  return flags.remoteExec && !flags.local ? "none" : "any";
}

function readX11(flags: SshFlags, options: SshOptions): X11Choice | undefined {
  if (flags.x11Trusted && flags.x11Untrusted)
    throw badParameter("-X and -Y exclude each other: use one of them");
  if (flags.x11Trusted ?? (options.forwardX11 && options.forwardX11Trusted)) return { trusted: true };
  if (!(flags.x11Untrusted ?? options.forwardX11)) return undefined;
  const timeoutMs = parseDuration(flags.x11UntrustedTimeout);
  if (timeoutMs <= 0) throw badParameter("--x11-untrusted-timeout must be longer than 0");
  return { trusted: false, timeoutMs };
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
