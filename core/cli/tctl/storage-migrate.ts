import path from "node:path";
import type { Command } from "commander";
import { readConfigFile } from "../../config/config-source.js";
import { CodedError, errorMessage, hasCode, unavailable } from "../../errors/error.js";
import type { ConfigurationFile, StorageMove, StorageStatus } from "../../resources/storage-status.js";
import { printToStdout } from "../output.js";
import { ExitWith, withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { withAuth, type TctlContext } from "./context.js";
import { addFormatFlag, isJson } from "./output-format.js";
import { movedText } from "./storage-status.js";

const POLL_MS = 500;
/** So long a move is followed through an auth server that does not answer, or does not know of it yet. */
const PATIENCE_MS = 60_000;
/** Signals from the keyboard, as exit codes have them. */
const INTERRUPTED = 130;

/** Flags of `tctl storage migrate`. */
export interface StorageMigrateFlags {
  readonly to: string;
  readonly format: string;
}

/** `tctl storage migrate`, ours. */
export function configure(command: Command): void {
  command
    .requiredOption("--to <file>", "a complete teleport.yaml that names the new storage")
    .action((flags: StorageMigrateFlags, command: Command) =>
      withAuth(command, (context) => migrateStorage(context, flags)),
    );
  addFormatFlag(command);
  withExamples(
    command,
    "tctl storage migrate --to=/etc/teleport-etcd.yaml    # Ctrl-C leaves it running",
    "tctl storage status                                  # how far it is",
    "tctl storage abort                                   # the cluster stays where it is",
  );
}

/**
 * Moves the cluster to the storage that a file names, and follows that to its end. Throws `config` with every problem of the
 * file, and `unavailable` with the reason where the cluster stays where it is.
 */
export async function migrateStorage(
  context: TctlContext,
  { to, format }: StorageMigrateFlags,
): Promise<void> {
  const asJson = isJson(format);
  const { api } = context;
  const print = asJson ? async (): Promise<void> => undefined : context.print;
  const started = await aboutTheFile(api.startStorageMove(configurationFile(to)));
  const stopListening = onInterrupt(() => {
    const text = "The move goes on: see tctl storage status, or end it with tctl storage abort.\n";
    void printToStdout(text).finally(() => process.exit(INTERRUPTED));
  });
  try {
    await print(`Moving the cluster to ${terminalText(started.target)}.\n`);
    if (started.not_applied.length > 0) {
      const keys = started.not_applied.map(terminalText).join(", ");
      await print(`The file differs in more than the storage; not applied: ${keys}\n`);
    }
    const { move, status, names } = await followed(started.id, { ...context, print });
    if (asJson) await context.print(`${JSON.stringify(move, undefined, 2)}\n`);
    if (move.phase !== "committed") {
      throw unavailable(`the cluster stays where it is: ${move.reason ?? move.phase}`);
    }
    await print(`${terminalText(movedText(move))}\n${terminalText(whatToEdit(status, names))}\n`);
  } finally {
    stopListening();
  }
}

/** A configuration file as the auth server wants it. Throws `bad_parameter`. */
export function configurationFile(file: string): ConfigurationFile {
  return { name: path.resolve(file), text: readConfigFile(file) };
}

/** Has each problem of a file, which the auth server tells in lines, printed as a line. */
export async function aboutTheFile<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const hasLines = hasCode(error, "bad_parameter") && errorMessage(error).includes("\n");
    throw hasLines ? new CodedError("config", errorMessage(error), { cause: error }) : error;
  }
}

async function followed(
  id: string,
  { api, print, clock }: Pick<TctlContext, "api" | "print" | "clock">,
): Promise<{ move: StorageMove; status: StorageStatus; names: readonly string[] }> {
  let said = "";
  // Of the store that is left, too: into the other one they write only once they are there.
  const names = new Set<string>();
  let knownMs = clock.now().getTime();
  for (;;) {
    try {
      const status = await api.getStorageStatus();
      const { move, members } = status;
      for (const { name, alive } of members) if (alive) names.add(name);
      if (move?.id === id) {
        if (ENDED.has(move.phase)) return { move, status, names: [...names] };
        knownMs = clock.now().getTime();
        const line = `${move.phase}: ${move.copied} items copied\n`;
        if (line !== said) await print(line);
        said = line;
      }
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
    }
    if (clock.now().getTime() - knownMs > PATIENCE_MS) {
      throw new ExitWith(1, "error: what has become of the move is not known: see tctl storage status");
    }
    await clock.sleep(POLL_MS);
  }
}

const ENDED: ReadonlySet<string> = new Set(["refused", "aborted", "committed"]);

function whatToEdit({ settings }: StorageStatus, names: readonly string[]): string {
  return `Now set teleport.storage to ${settings} in teleport.yaml of every auth server (${names.join(", ")}); until then each of them warns at its start.`;
}

function onInterrupt(listener: () => void): () => void {
  process.once("SIGINT", listener);
  return () => process.off("SIGINT", listener);
}
