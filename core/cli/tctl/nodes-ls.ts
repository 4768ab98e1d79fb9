import type { Command } from "commander";
import { withExamples } from "../program.js";
import { withAuth, type TctlContext } from "./context.js";
import { serverTable } from "./server-table.js";

/** `tctl nodes ls` (features.md §2.2). */
export function configure(command: Command): void {
  command
    .option("--namespace <name>", "namespace of the nodes", "default")
    .action((flags: { namespace: string }, command: Command) =>
      withAuth(command, (context) => listNodes(context, flags.namespace)),
    );
  withExamples(command, "tctl nodes ls");
}

/** Prints the nodes of a namespace. */
export async function listNodes({ api, print }: TctlContext, namespace: string): Promise<void> {
  await print(serverTable(await api.getNodes(namespace)));
}
