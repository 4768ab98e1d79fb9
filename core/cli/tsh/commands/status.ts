import type { Command } from "commander";
import { printToStdout } from "../../output.js";
import { withExamples } from "../../program.js";
import { openState } from "../client.js";
import { statusReport } from "../status-report.js";

/** `tsh status`: works without a network. */
export function configure(command: Command): void {
  command.action(() => printToStdout(statusReport(openState(), new Date())));
  withExamples(command, "tsh status   # who is logged in where, and for how long");
}
