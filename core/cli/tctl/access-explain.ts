import { Option, type Command } from "commander";
import { changeText } from "../../access/access-change.js";
import type { Explanation, Obstacle } from "../../access/explain.js";
import { badParameter } from "../../errors/error.js";
import { parseTime } from "../../resources/rfc3339.js";
import { ExitWith, withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { readAccess } from "./access-snapshot.js";
import { withAuth, type TctlContext } from "./context.js";
import { isJson } from "./output-format.js";

interface Flags {
  readonly at?: string;
  readonly format: string;
}

/** `tctl access explain <user> <login@node>`. */
export function configure(command: Command): void {
  command
    .argument("<user>", "a user of the cluster")
    .argument("<login@node>", "the OS login, and the node's name or UUID")
    .option("--at <time>", "answer for this moment, such as 2026-01-31T12:00:00Z, instead of now")
    .addOption(new Option("--format <format>", "text or json").default("text"))
    .action((user: string, target: string, flags: Flags, command: Command) =>
      withAuth(command, (context) => explainAccess(context, user, target, flags)),
    );
  withExamples(
    command,
    "tctl access explain alice root@db1",
    "tctl access explain alice root@db1 --at 2026-01-31T12:00:00Z --format=json",
  );
}

/** Prints `ALLOW …` or `DENY …` and why. A refusal ends the program with exit code 1. */
export async function explainAccess(
  { api, print, clock }: TctlContext,
  userName: string,
  target: string,
  flags: Flags,
): Promise<void> {
  const json = isJson(flags.format);
  const { login, nodeName } = parseTarget(target);
  const at = flags.at === undefined ? clock.now() : parseTime(flags.at);
  const snapshot = await readAccess(api, at);
  const user = snapshot.user(userName);
  const node = snapshot.node(nodeName);
  const explanation = snapshot.explain(user, login, node);
  const { hostname } = node.spec;
  if (json) {
    const question = {
      user: userName,
      login,
      node: { id: node.metadata.name, hostname },
      at: at.toISOString(),
    };
    await print(`${JSON.stringify({ ...question, ...withTexts(explanation) }, undefined, 2)}\n`);
  } else {
    const answer = `${explanation.allowed ? "ALLOW" : "DENY"} ${userName} as ${login} at ${hostname} (${node.metadata.name})`;
    const lines = [
      answer,
      ...(explanation.allowed ? grant(explanation.role, login) : refusal(explanation.obstacles)),
    ];
    await print(lines.map((line) => `${terminalText(line)}\n`).join(""));
  }
  if (!explanation.allowed) throw new ExitWith(1);
}

function parseTarget(target: string): { login: string; nodeName: string } {
  const at = target.lastIndexOf("@");
  if (at < 1 || at === target.length - 1) throw badParameter(`${target} is no target: use LOGIN@NODE`);
  return { login: target.slice(0, at), nodeName: target.slice(at + 1) };
}

function grant(role: string, login: string): string[] {
  return [`decided by: role ${role} allows the login "${login}" together with the server's labels`];
}

function refusal([decisive, ...others]: readonly [Obstacle, ...Obstacle[]]): string[] {
  return [
    `decided by: ${decisive.reason}`,
    ...remedies(decisive),
    ...others.flatMap((obstacle) => [`in the way too: ${obstacle.reason}`, ...remedies(obstacle)]),
  ];
}

function remedies({ changes }: Obstacle): string[] {
  if (changes.length === 0) return [];
  const texts = changes.map((change) => `  - ${changeText(change)}`);
  return [changes.length === 1 ? "to change that:" : "to change that, one of:", ...texts];
}

/** The explanation with each change in words too. */
function withTexts(explanation: Explanation): object {
  if (explanation.allowed) return explanation;
  const obstacles = explanation.obstacles.map((obstacle) => ({
    ...obstacle,
    changes: obstacle.changes.map((change) => ({ ...change, text: changeText(change) })),
  }));
  return { allowed: false, obstacles };
}
