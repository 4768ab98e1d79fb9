import type { Command } from "commander";
import { versionLine } from "./version-line.js";

/** `version` of every program; never connects to anything. */
export function configure(command: Command): void {
  command.action(() => void process.stdout.write(`${versionLine()}\n`));
}
