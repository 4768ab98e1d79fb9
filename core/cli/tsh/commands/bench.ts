import { PassThrough, Writable } from "node:stream";
import type { Command } from "commander";
import { badParameter } from "../../../errors/error.js";
import { parseDuration } from "../../../grammar/duration.js";
import { systemClock } from "../../../plugin/clock.js";
import { printToStdout } from "../../output.js";
import { ExitWith, withExamples } from "../../program.js";
import { table } from "../../table.js";
import { latencyHistogram, runBench, type BenchResult } from "../bench-run.js";
import type { Client } from "../client.js";
import { readGlobalFlags } from "../global-flags.js";
import { connectNode, type NodeLogin } from "../node-connection.js";
import { connectProxy } from "../proxy-client.js";
import { withClient } from "../relogin.js";
import { exitCodeOf, runSession } from "../session.js";
import { readPort } from "../ssh-port.js";
import { parseSshTarget } from "../ssh-target.js";

const FAILED = 255;
const MAX_THREADS = 1000;

interface BenchFlags {
  readonly cluster?: string;
  readonly port?: string;
  readonly threads: string;
  readonly duration: string;
  readonly rate: string;
  readonly interactive?: true;
}

/** `tsh bench`: how fast commands run on a node, each over connections of its own. */
export function configure(command: Command): void {
  command
    .argument("<[user@]host>", "node to run the command on")
    .argument("<command...>", "command to run")
    .passThroughOptions()
    .option("-p, --port <port>", "SSH port of the node")
    .option("--cluster <name>", "cluster of the node")
    .option("--threads <count>", "connections at once", "10")
    .option("--duration <time>", "how long requests are made", "1s")
    .option("--rate <count>", "requests a second", "10")
    .option("--interactive", "run the command on a terminal")
    .action((host: string, words: readonly string[], options: BenchFlags) => {
      const flags = readGlobalFlags(command);
      const target = parseSshTarget(host, flags.login);
      if (!("host" in target)) throw badParameter("bench takes one node, not labels");
      const node = { ...target, port: options.port === undefined ? 0 : readPort(options.port) };
      const plan = {
        threads: readCount("threads", options.threads, MAX_THREADS),
        durationMs: parseDuration(options.duration),
        rate: readCount("rate", options.rate, 1_000_000),
      };
      const chosen = options.cluster === undefined ? flags : { ...flags, cluster: options.cluster };
      return withClient(chosen, async (client) => {
        const request = (): Promise<void> =>
          runOnce(client, node, words.join(" "), options.interactive ?? false);
        const result = await runBench({ ...plan, request }, systemClock);
        await printToStdout(report(result));
        if (result.failed > 0) throw new ExitWith(FAILED);
      });
    });
  withExamples(command, "tsh bench --rate=20 --duration=30s root@node1 true");
}

async function runOnce(
  client: Client,
  node: NodeLogin,
  command: string,
  interactive: boolean,
): Promise<void> {
  const proxy = await connectProxy(client);
  try {
    const connection = await connectNode(client, proxy, node);
    try {
      const discard = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
      const terminal = interactive ? { type: "xterm", size: { columns: 80, rows: 25 } } : undefined;
      // A terminal is told of no end of input here: the command ends by itself.
      const stdin = interactive ? new PassThrough() : undefined;
      const streams = { stdin, stdout: discard(), stderr: discard() };
      const exit = await runSession(connection, { command, terminal, environment: {} }, streams);
      if (exitCodeOf(exit) !== 0) throw new Error(`the command ended with exit code ${exitCodeOf(exit)}`);
    } finally {
      connection.disconnect("bye");
    }
  } finally {
    proxy.close();
  }
}

function report({ originated, failed, lastError, latenciesMs }: BenchResult): string {
  return [
    "",
    `* Requests originated: ${originated}`,
    `* Requests failed: ${failed}`,
    ...(lastError === undefined ? [] : [`* Last error: ${lastError}`]),
    "",
    "Histogram",
    "",
    table(["Percentile", "Duration"], latencyHistogram(latenciesMs)),
    "",
  ].join("\n");
}

function readCount(flag: string, text: string, max: number): number {
  const count = Number(text);
  if (!/^\d{1,7}$/.test(text) || count < 1 || count > max) {
    throw badParameter(`invalid --${flag} '${text}', expected a number from 1 to ${max}`);
  }
  return count;
}
