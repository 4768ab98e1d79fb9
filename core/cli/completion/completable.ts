/** What shell completion knows of a program: its commands with their flags, hidden ones left out. */
import type { Command } from "commander";

/** A flag. */
export interface CompletableFlag {
  /** As typed: `-f`, `--force`. */
  readonly names: readonly string[];
  readonly summary: string;
  readonly takesValue: boolean;
  /** What its value can be; empty where that is open. */
  readonly values: readonly string[];
}

/** What completes a command's arguments: words, or a command line that prints one on each line. */
export type ArgumentSource = readonly string[] | { readonly run: string };

/** A command. */
export interface Completable {
  /** The words that lead to it, the program's own name left out: `["users", "add"]`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly aliases: readonly string[];
  readonly flags: readonly CompletableFlag[];
  /** Absent: files. */
  readonly arguments: ArgumentSource | undefined;
  readonly commands: readonly Completable[];
}

/** Describes a command whose module, and those of all below it, are loaded. */
export function completable(
  command: Command,
  argumentsOf: (command: Command) => ArgumentSource | undefined,
  path: readonly string[] = [],
): Completable {
  const help = command.createHelp();
  return {
    path,
    summary: command.description(),
    aliases: command.aliases(),
    flags: help.visibleOptions(command).map((option) => ({
      names: [option.short, option.long].filter((name) => name !== undefined),
      summary: option.description,
      takesValue: option.required || option.optional,
      values: option.argChoices ?? [],
    })),
    arguments: argumentsOf(command),
    commands: help
      .visibleCommands(command)
      .map((child) => completable(child, argumentsOf, [...path, child.name()])),
  };
}

/** A command and all below it, parents first. */
export function flattened(root: Completable): Completable[] {
  return [root, ...root.commands.flatMap(flattened)];
}
