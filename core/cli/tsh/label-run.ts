/** A command on all nodes that a label query selects. */
import { errorMessage, notFound } from "../../errors/error.js";
import type { Server } from "../../resources/server.js";
import { ExitWith } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { connectAuthThrough } from "./auth-client.js";
import type { Client } from "./client.js";
import { connectNode } from "./node-connection.js";
import { SharedOutput, type NodeOutput } from "./node-output.js";
import { nodeAddress, selectNodes } from "./node-table.js";
import type { ProxyClient } from "./proxy-client.js";
import { exitCodeOf, failureLine, runSession, type SessionStreams } from "./session.js";

/** Nodes that a command runs on at once. */
const MAX_PARALLEL = 16;

/** The nodes with these labels. Throws `not_found` where there is none that the user may enter. */
export async function findLabelled(
  proxy: ProxyClient,
  client: Client,
  labels: Readonly<Record<string, string>>,
): Promise<Server[]> {
  const api = connectAuthThrough(proxy, client);
  try {
    const nodes = selectNodes(await api.getNodes("default"), labels);
    if (nodes.length === 0)
      throw notFound("no node has these labels, or your roles let you into none that has");
    return nodes;
  } finally {
    await api.close();
  }
}

/** What runs on each node. */
export interface LabelRun {
  readonly nodes: readonly Server[];
  readonly login: string;
  readonly strict: boolean;
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** How a command went on a node. */
interface NodeResult {
  readonly name: string;
  readonly code: number;
}

/**
 * Runs the command everywhere, without input. Each node's output comes in one piece under a heading; on failures a
 * summary follows on stderr. Returns the first exit code in order of the nodes that is not 0.
 */
export async function runOnAll(
  proxy: ProxyClient,
  client: Client,
  run: LabelRun,
  { stdout, stderr }: SessionStreams,
): Promise<number> {
  const output = new SharedOutput(stdout, stderr);
  const results: NodeResult[] = [];
  const waiting = [...run.nodes.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, node] = next;
      results[index] = await runOnOne(proxy, client, run, node, output.open());
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL, run.nodes.length) }, worker));
  const failed = results.filter(({ code }) => code !== 0);
  if (failed.length === 0) return 0;
  const list = failed.map(({ name, code }) => `${name} (exit code ${code})`).join(", ");
  stderr.write(`error: the command failed on ${failed.length} of ${results.length} nodes: ${list}\n`);
  return failed[0]!.code;
}

async function runOnOne(
  proxy: ProxyClient,
  client: Client,
  run: LabelRun,
  node: Server,
  output: NodeOutput,
): Promise<NodeResult> {
  const name = terminalText(node.spec.hostname || node.metadata.name);
  const { stdout, stderr } = output;
  stderr.write(`Running command on ${terminalText(nodeAddress(node))} (${name}):\n`);
  try {
    const { login, strict, command, environment } = run;
    // By id, since several nodes may share a name.
    const connection = await connectNode(client, proxy, { host: node.metadata.name, port: 0, login, strict });
    try {
      const exit = await runSession(
        connection,
        { command, environment },
        { stdin: undefined, stdout, stderr },
      );
      const failure = failureLine(exit);
      if (failure !== undefined) stderr.write(`${failure}\n`);
      return { name, code: exitCodeOf(exit) };
    } finally {
      connection.disconnect("bye");
    }
  } catch (error) {
    if (error instanceof ExitWith) throw error;
    stderr.write(`error: ${terminalText(errorMessage(error))}\n`);
    return { name, code: 1 };
  } finally {
    await output.close();
  }
}
