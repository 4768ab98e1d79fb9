import type { Command } from "commander";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { headlessTable, table } from "../../table.js";
import { readGlobalFlags } from "../global-flags.js";
import { connectProxy } from "../proxy-client.js";
import { withClient } from "../relogin.js";

/** `tsh clusters`: the proxy's own cluster first. */
export function configure(command: Command): void {
  command.option("-q, --quiet", "leave out the head of the table").action(({ quiet }: { quiet?: true }) =>
    withClient(readGlobalFlags(command), async (client) => {
      const proxy = await connectProxy(client);
      try {
        const rows = (await proxy.clusters()).map(({ name, status }) => [name, status]);
        await printToStdout(`${quiet ? headlessTable(rows) : table(["Cluster Name", "Status"], rows)}\n`);
      } finally {
        proxy.close();
      }
    }),
  );
  withExamples(command, "tsh clusters", "tsh clusters -q   # for scripts");
}
