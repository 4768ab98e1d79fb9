import type { Command } from "commander";
import { parseLabels } from "../../../grammar/labels.js";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { withAuth } from "../auth-client.js";
import { readGlobalFlags } from "../global-flags.js";
import { nodeTable, selectNodes, verboseNodeTable } from "../node-table.js";
import { withClient } from "../relogin.js";

/** `tsh ls`: the nodes that the user's roles allow, perhaps only those with some labels. */
export function configure(command: Command): void {
  command
    .argument("[labels]", "only nodes with these labels: k=v,k2=v2")
    .option("--cluster <name>", "cluster whose nodes are listed")
    .option("-v, --verbose", "show node ids, and one line to a node")
    .action((labels: string | undefined, options: { cluster?: string; verbose?: true }) => {
      const wanted = parseLabels(labels ?? "");
      return withClient({ ...readGlobalFlags(command), ...options }, async (client) => {
        const nodes = selectNodes(await withAuth(client, (api) => api.getNodes("default")), wanted);
        await printToStdout(options.verbose ? verboseNodeTable(nodes) : nodeTable(nodes));
      });
    });
  withExamples(command, "tsh ls", "tsh ls -v env=production,role=db", "tsh ls --cluster=leaf.example.com");
}
