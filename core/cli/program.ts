/**
 * The frame of the three programs: a table of commands, each in a module of its own that is loaded only when its
 * command is called, so that `version` and `help` cost no more than the frame.
 */
import { Command, CommanderError } from "commander";
import { errorMessage } from "../errors/error.js";

/** A command's module. */
export interface CommandModule {
  /** Adds arguments, options, examples and the action to the command of the table's name. */
  configure(command: Command): void;
}

/** A row of the table of commands: either one command, or a group of them. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly aliases?: readonly string[];
  readonly hidden?: boolean;
  readonly load?: () => Promise<CommandModule>;
  readonly commands?: readonly CommandEntry[];
}

/** A program. */
export interface ProgramOptions {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandEntry[];
  /** Adds the flags that every command takes; they are valid before and after the command's name. */
  readonly globals?: (command: Command) => void;
  /** Text after the list of commands in `help`. */
  readonly examples?: string;
}

/** Ends the program with an exit code and, unless it is empty, one line on stderr. */
export class ExitWith extends Error {
  constructor(
    readonly exitCode: number,
    message = "",
  ) {
    super(message);
  }
}

/**
 * Runs a program with the arguments of the command line (without node and script). Every failure is one line,
 * `error: <message>`, on stderr and exit code 1; with `--debug` the stack and its causes follow.
 */
export async function runProgram(options: ProgramOptions, args: readonly string[]): Promise<void> {
  const program = new Command(options.name)
    .description(options.summary)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  addGlobals(program, options);
  if (options.examples) program.addHelpText("after", `\nExamples:\n${options.examples}`);
  for (const entry of options.commands) addCommand(program, entry, options);

  try {
    await loadChosen(program, options, args);
    if (args.length === 0) {
      program.outputHelp();
      process.exitCode = 1;
      return;
    }
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = report(error, args, options);
  }
}

/** Adds a block of examples to a command's help. */
export function withExamples(command: Command, ...lines: string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}

const loaders = new WeakMap<Command, () => Promise<CommandModule>>();

function addCommand(parent: Command, entry: CommandEntry, options: ProgramOptions): void {
  const command = new Command(entry.name)
    .description(entry.summary)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  if (entry.aliases) command.aliases([...entry.aliases]);
  addGlobals(command, options);
  if (entry.load) loaders.set(command, entry.load);
  for (const child of entry.commands ?? []) addCommand(command, child, options);
  parent.addCommand(command, { hidden: entry.hidden ?? false });
}

function addGlobals(command: Command, options: ProgramOptions): void {
  command.option("-d, --debug", "show details of errors on stderr");
  options.globals?.(command);
}

/** Loads the module of the command that the arguments name; `help NAME` loads that of NAME. */
async function loadChosen(program: Command, options: ProgramOptions, args: readonly string[]): Promise<void> {
  const { operands } = program.parseOptions([...args]);
  const path = operands[0] === "help" ? operands.slice(1) : operands;
  // The probe must not leave values behind: the real parse follows.
  resetGlobals(program, options);
  let command: Command = program;
  for (const word of path) {
    const next = command.commands.find((child) => child.name() === word || child.aliases().includes(word));
    if (!next) break;
    command = next;
  }
  const load = loaders.get(command);
  if (load) (await load()).configure(command);
}

function resetGlobals(program: Command, options: ProgramOptions): void {
  const fresh = new Command();
  addGlobals(fresh, options);
  for (const option of program.options) {
    const name = option.attributeName();
    program.setOptionValueWithSource(name, fresh.getOptionValue(name), "default");
  }
}

function report(error: unknown, args: readonly string[], options: ProgramOptions): number {
  if (error instanceof CommanderError) return reportUsage(error, options);
  if (error instanceof ExitWith) {
    if (error.message) process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`error: ${oneLine(errorMessage(error))}\n`);
  if (args.includes("-d") || args.includes("--debug")) writeChain(error);
  return 1;
}

function reportUsage(error: CommanderError, options: ProgramOptions): number {
  if (error.exitCode === 0) return 0;
  const text = error.message.replace(/^error: /, "");
  const unknown = /^unknown command '(.+)'/.exec(text);
  const message = unknown ? `expected command but got "${unknown[1]}"` : oneLine(text);
  if (message && error.code !== "commander.help") {
    process.stderr.write(`error: ${message}, run '${options.name} help' for usage\n`);
  }
  return 1;
}

/** Messages may hold text of other parties: control characters must not reach the terminal. */
function oneLine(message: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f\u007f]/.test(message) ? JSON.stringify(message) : message;
}

function writeChain(error: unknown): void {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    process.stderr.write(`${cause.stack ?? cause.message}\n`);
  }
}
