import type { Command } from "commander";
import { parseLabels } from "../../../grammar/labels.js";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { terminalText } from "../../terminal-text.js";
import { withAuth } from "../auth-client.js";
import { readGlobalFlags } from "../global-flags.js";
import { addFormatFlag, formatListing, type ListFormat } from "../list-format.js";
import { nodeTable, selectNodes, verboseNodeTable } from "../node-table.js";
import { withClient } from "../relogin.js";

interface LsFlags {
  readonly cluster?: string;
  readonly verbose?: true;
  readonly format: ListFormat;
}

/** `tsh ls`: the nodes that the user's roles allow, perhaps only those with some labels. */
export function configure(command: Command): void {
  command
    .argument("[labels]", "only nodes with these labels: k=v,k2=v2")
    .option("--cluster <name>", "cluster whose nodes are listed")
    .option("-v, --verbose", "show node ids, and one line to a node")
    .action((labels: string | undefined, { cluster, verbose, format }: LsFlags) => {
      const wanted = parseLabels(labels ?? "");
      const flags = readGlobalFlags(command);
      return withClient(cluster === undefined ? flags : { ...flags, cluster }, async (client) => {
        const nodes = selectNodes(await withAuth(client, (api) => api.getNodes("default")), wanted);
        const listing = formatListing(format, {
          text: () => (verbose ? verboseNodeTable(nodes) : nodeTable(nodes)),
          data: () => nodes,
          names: () => nodes.map(({ spec }) => terminalText(spec.hostname)),
        });
        await printToStdout(listing);
      });
    });
  addFormatFlag(command, ["text", "json", "yaml", "names"]);
  withExamples(
    command,
    "tsh ls",
    "tsh ls -v env=production,role=db",
    "tsh ls --cluster=leaf.example.com",
    "tsh ls --format=names env=production   # for scripts",
  );
}
