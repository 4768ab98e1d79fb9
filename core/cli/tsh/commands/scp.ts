import type { Command } from "commander";
import { systemClock } from "../../../plugin/clock.js";
import { withExamples } from "../../program.js";
import { terminalText } from "../../terminal-text.js";
import { readGlobalFlags } from "../global-flags.js";
import { connectNode } from "../node-connection.js";
import { connectProxy } from "../proxy-client.js";
import { withClient } from "../relogin.js";
import { planCopies } from "../scp/arguments.js";
import { resolveSources, runCopy, type ScpOptions } from "../scp/run.js";
import { linesOfFiles, noProgress, ProgressBar, type ScpProgress } from "../scp/progress.js";
import { orSignal, signalExitCode } from "../signals.js";
import { ExitWith } from "../../program.js";
import { readPort } from "../ssh-port.js";
import { parseSshTarget } from "../ssh-target.js";
import { terminalSize } from "../terminal.js";

interface ScpFlags {
  readonly cluster?: string;
  readonly recursive?: true;
  readonly port?: string;
  readonly quiet?: true;
  readonly preserve?: true;
}

/** `tsh scp` (features.md §3.7). */
export function configure(command: Command): void {
  command
    .argument("<path...>", "what to copy, and at the end where to: local paths, or [user@]host:path")
    .option("-r, --recursive", "copy folders")
    .option("-p, --preserve", "keep times and modes")
    .option("-P, --port <port>", "SSH port of the node")
    .option("-q, --quiet", "show no progress")
    .option("--cluster <name>", "cluster of the node")
    .action((paths: readonly string[], options: ScpFlags) => copy(command, paths, options));
  withExamples(
    command,
    "tsh scp report.txt root@node1:/tmp/          # upload",
    "tsh scp root@node1:/etc/hosts .              # download",
    "tsh scp -rp ./site www@node1:/srv/           # a folder, with its times and modes",
    "tsh scp 'root@node1:/var/log/*.log' logs/    # what matches on the node",
  );
}

async function copy(command: Command, paths: readonly string[], flags: ScpFlags): Promise<void> {
  const global = readGlobalFlags(command);
  const options: ScpOptions = {
    recursive: flags.recursive ?? false,
    preserve: flags.preserve ?? false,
    progressOf: ({ kind }) => (flags.quiet ? noProgress : progressOf(kind)),
    complain: (message) => void process.stderr.write(`${terminalText(message)}\n`),
  };
  const copies = await resolveSources(planCopies(paths), options);
  const [first] = copies;
  const remote = first!.kind === "upload" ? first!.target : first!.source;
  const { login } = parseSshTarget("host", remote.login ?? global.login);
  const port = flags.port === undefined ? 0 : readPort(flags.port);
  const chosen = flags.cluster === undefined ? global : { ...global, cluster: flags.cluster };
  await withClient(chosen, async (client) => {
    const proxy = await connectProxy(client);
    try {
      const connection = await connectNode(client, proxy, { host: remote.host, port, login });
      const copying = (async () => {
        for (const one of copies) await runCopy(connection, one, options);
      })();
      const outcome = await orSignal(copying);
      if ("signal" in outcome) {
        copying.catch(() => undefined);
        throw new ExitWith(signalExitCode(outcome.signal));
      }
    } finally {
      proxy.close();
    }
  });
}

function progressOf(kind: "upload" | "download"): ScpProgress {
  const write = (text: string): void => void process.stdout.write(text);
  if (process.stdout.isTTY)
    return new ProgressBar({ write, columns: () => terminalSize().columns }, systemClock);
  return linesOfFiles(kind === "upload" ? "->" : "<-", (line) => write(`${line}\n`));
}
