import type { Command } from "commander";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { openState } from "../client.js";
import { addFormatFlag, formatListing, type ListFormat } from "../list-format.js";
import { statusData, statusReport } from "../status-report.js";

/** `tsh status`: works without a network. */
export function configure(command: Command): void {
  command.action(({ format }: { format: ListFormat }) => {
    const state = openState();
    const listing = formatListing(format, {
      text: () => statusReport(state, new Date()),
      data: () => statusData(state),
    });
    return printToStdout(listing);
  });
  addFormatFlag(command, ["text", "json", "yaml"]);
  withExamples(
    command,
    "tsh status   # who is logged in where, and for how long",
    "tsh status --format=json",
  );
}
