import { Option, type Command } from "commander";
import { badParameter } from "../../errors/error.js";
import { withExamples } from "../program.js";
import { table } from "../table.js";
import { readAccess } from "./access-snapshot.js";
import { withAuth, type TctlContext } from "./context.js";
import { isJson } from "./output-format.js";

interface Flags {
  readonly user?: string;
  readonly node?: string;
  readonly format: string;
}

/** `tctl access ls --user=… | --node=…`. */
export function configure(command: Command): void {
  command
    .option("--user <name>", "where this user may log in")
    .option("--node <node>", "who may log in at this node, by name or UUID")
    .addOption(new Option("--format <format>", "text or json").default("text"))
    .action((flags: Flags, command: Command) => withAuth(command, (context) => listAccess(context, flags)));
  withExamples(command, "tctl access ls --user=alice", "tctl access ls --node=db1 --format=json");
}

/** Prints the logins that each user in question has at each node in question; who has none is left out. */
export async function listAccess({ api, print, clock }: TctlContext, flags: Flags): Promise<void> {
  const json = isJson(flags.format);
  if (flags.user === undefined && flags.node === undefined) {
    throw badParameter("say of whom or of what: --user=NAME or --node=NODE");
  }
  const snapshot = await readAccess(api, clock.now());
  const users = flags.user === undefined ? snapshot.users : [snapshot.user(flags.user)];
  const nodes = flags.node === undefined ? snapshot.nodes : [snapshot.node(flags.node)];
  const rows = users
    .flatMap((user) =>
      nodes.map((node) => ({
        user: user.metadata.name,
        node: { id: node.metadata.name, hostname: node.spec.hostname },
        logins: snapshot.logins(user, node),
      })),
    )
    .filter(({ logins }) => logins.length > 0);
  if (json) return print(`${JSON.stringify(rows, undefined, 2)}\n`);
  if (rows.length === 0) return print("No access found\n");
  await print(
    table(
      ["User", "Nodename", "UUID", "Logins"],
      rows.map(({ user, node, logins }) => [user, node.hostname, node.id, logins.join(",")]),
    ),
  );
}
