import type { Command } from "commander";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { headlessTable, table } from "../../table.js";
import { terminalText } from "../../terminal-text.js";
import { readGlobalFlags } from "../global-flags.js";
import { addFormatFlag, formatListing, type ListFormat } from "../list-format.js";
import { connectProxy } from "../proxy-client.js";
import { withClient } from "../relogin.js";

/** `tsh clusters`: the proxy's own cluster first. */
export function configure(command: Command): void {
  command
    .option("-q, --quiet", "leave out the head of the table")
    .option("-v, --verbose", "show which is the proxy's own, and which commands go to")
    .action(({ quiet, verbose, format }: { quiet?: true; verbose?: true; format: ListFormat }) =>
      withClient(readGlobalFlags(command), async (client) => {
        const proxy = await connectProxy(client);
        try {
          const clusters = (await proxy.clusters()).map(({ name, status }) => ({
            cluster_name: name,
            status,
            cluster_type: name === client.credentials.rootCluster ? "root" : "leaf",
            selected: name === client.cluster,
          }));
          const head = ["Cluster Name", "Status", ...(verbose ? ["Cluster Type", "Selected"] : [])];
          const rows = clusters.map(({ cluster_name, status, cluster_type, selected }) => [
            ...[cluster_name, status],
            ...(verbose ? [cluster_type, selected ? "*" : ""] : []),
          ]);
          const listing = formatListing(format, {
            text: () => `${quiet ? headlessTable(rows) : table(head, rows)}\n`,
            data: () => clusters,
            names: () => clusters.map(({ cluster_name }) => terminalText(cluster_name)),
          });
          await printToStdout(listing);
        } finally {
          proxy.close();
        }
      }),
    );
  addFormatFlag(command, ["text", "json", "yaml", "names"]);
  withExamples(command, "tsh clusters", "tsh clusters --format=names   # for scripts");
}
