import { Option, type Command } from "commander";
import { badParameter } from "../../errors/error.js";

/** Adds the hidden `--format` of commands that scripts read. */
export function addFormatFlag(command: Command): void {
  command.addOption(new Option("--format <format>", "text or json").default("text").hideHelp());
}

/** Checks a `--format`. Throws `bad_parameter`. */
export function isJson(format: string): boolean {
  if (format !== "text" && format !== "json")
    throw badParameter(`unsupported format "${format}", use text or json`);
  return format === "json";
}
