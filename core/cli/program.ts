/**
 * The frame of the three programs: a table of commands, each in a module of its own that is loaded only when its
 * command is called, so that `version` and `help` cost no more than the frame.
 */
import { Command, CommanderError } from "commander";
import { errorMessage, hasCode } from "../errors/error.js";
import { systemErrorLine } from "../errors/system-error.js";
import { completionCommand, completionExamples, SHELLS } from "./completion/completion-command.js";
import type { ArgumentSource } from "./completion/completable.js";
import { printToStdout } from "./output.js";
import { quotedWhereNeeded } from "./terminal-text.js";
import { topicList, topicOf, TOPICS } from "./topics/topics.js";

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
  /** What shells offer for its arguments; files where absent. */
  readonly completes?: ArgumentSource;
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
    options: ErrorOptions = {},
  ) {
    super(message, options);
  }
}

/**
 * Runs a program with the arguments of the command line (without node and script). Every failure is one line,
 * `error: <message>`, on stderr and exit code 1 (a configuration file's problems are one such line each); with
 * `--debug` or `TELEPORT_DEBUG=1` the stack and its causes follow.
 */
export async function runProgram(options: ProgramOptions, args: readonly string[]): Promise<void> {
  const program = frame(options.name, options.summary, options);
  if (options.examples) program.addHelpText("after", `\nExamples:\n${options.examples}`);
  program.addHelpText("after", topicList(options.name));
  for (const entry of options.commands) addCommand(program, entry, options);
  program.helpCommand(false);
  const help = helpCommand(program);
  completions.set(
    help,
    TOPICS.map(({ name }) => name),
  );
  program.addCommand(help);
  const completion = completionCommand(program, {
    loadAll: () => configureAll(program),
    argumentsOf: (command) => completions.get(command),
  });
  completions.set(completion, SHELLS);
  program.addCommand(withExamples(quiet(completion), ...completionExamples(options.name)));

  // Help is printed without anybody waiting for it. A reader that has left is no error.
  let lostOutput: unknown;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || lostOutput !== undefined) return;
    lostOutput = error;
    process.exitCode = report(error, args, options);
  });
  try {
    if (args.length === 0) {
      program.outputHelp();
      process.exitCode = 1;
      return;
    }
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error !== lostOutput) process.exitCode = report(error, args, options);
  }
}

/** Adds a block of examples to a command's help. */
export function withExamples(command: Command, ...lines: string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}

const loaders = new WeakMap<Command, () => Promise<CommandModule>>();
const completions = new WeakMap<Command, ArgumentSource>();

/** A command as all are: options end where a subcommand begins. */
function frame(name: string, summary: string, options: ProgramOptions): Command {
  const command = quiet(new Command(name))
    .description(summary)
    .enablePositionalOptions()
    .hook("preSubcommand", (_parent, chosen) => configureChosen(chosen));
  command.option("-d, --debug", "show details of errors on stderr");
  options.globals?.(command);
  return command;
}

/** Errors of such a command are thrown instead of printed. */
function quiet(command: Command): Command {
  return command.exitOverride().configureOutput({ outputError: () => undefined });
}

function addCommand(parent: Command, entry: CommandEntry, options: ProgramOptions): void {
  const command = frame(entry.name, entry.summary, options);
  if (entry.aliases) command.aliases([...entry.aliases]);
  if (entry.load) loaders.set(command, entry.load);
  if (entry.completes) completions.set(command, entry.completes);
  for (const child of entry.commands ?? []) addCommand(command, child, options);
  if (entry.commands) command.helpCommand(false);
  parent.addCommand(command, { hidden: entry.hidden ?? false });
}

/** Loads the module of the command that is about to be parsed, once. */
async function configureChosen(command: Command): Promise<void> {
  const load = loaders.get(command);
  loaders.delete(command);
  if (load) (await load()).configure(command);
}

/** `help [command...|topic]`: commander's own would show commands whose modules are not loaded yet. */
function helpCommand(program: Command): Command {
  return quiet(new Command("help"))
    .description("show help for a command, or a topic")
    .argument("[command...]")
    .action(async (words: readonly string[]) => {
      const topic = words.length === 1 ? topicOf(words[0]!) : undefined;
      if (topic) return printToStdout((await topic.load()).text);
      let command = program;
      for (const word of words) {
        const next = command.commands.find(
          (child) => child.name() === word || child.aliases().includes(word),
        );
        if (!next) throw new CommanderError(1, "commander.unknownCommand", `unknown command '${word}'`);
        command = next;
      }
      await configureChosen(command);
      command.outputHelp();
    });
}

async function configureAll(command: Command): Promise<void> {
  await configureChosen(command);
  for (const child of command.commands) await configureAll(child);
}

function report(error: unknown, args: readonly string[], options: ProgramOptions): number {
  if (error instanceof CommanderError) return reportUsage(error, options);
  const debug = args.includes("-d") || args.includes("--debug") || process.env.TELEPORT_DEBUG === "1";
  if (error instanceof ExitWith) {
    if (error.message) process.stderr.write(`${error.message}\n`);
    if (debug) writeChain(error.cause);
    return error.exitCode;
  }
  const message = systemErrorLine(error) ?? errorMessage(error);
  const lines = hasCode(error, "config") ? message.split("\n") : [message];
  for (const line of lines) process.stderr.write(`error: ${quotedWhereNeeded(line)}\n`);
  if (debug) writeChain(error);
  return 1;
}

function reportUsage(error: CommanderError, options: ProgramOptions): number {
  if (error.exitCode === 0) return 0;
  // Commander puts "(Did you mean …?)" on a line of its own.
  const text = error.message
    .replace(/^error: /, "")
    .replace("\n(", " (")
    .replace(/\.$/, "");
  const unknown = /^unknown command '(.+?)'/.exec(text);
  const message = unknown ? `expected command but got "${unknown[1]}"` : quotedWhereNeeded(text);
  if (error.code !== "commander.help") {
    process.stderr.write(`error: ${message}, run '${options.name} help' for usage\n`);
  }
  return 1;
}

function writeChain(error: unknown): void {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    process.stderr.write(`${cause.stack ?? cause.message}\n`);
  }
}
