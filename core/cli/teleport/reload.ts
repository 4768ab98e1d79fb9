import os from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { selectConfig } from "../../config/config-source.js";
import { loadConfig } from "../../config/load.js";
import { resolveSettings } from "../../config/settings.js";
import { badParameter } from "../../errors/error.js";
import { printToStdout } from "../output.js";
import { withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";

/** Flags of `teleport reload`. */
export interface ReloadFlags {
  readonly config?: string;
  readonly dryRun?: boolean;
}

/** Signals from the keyboard, as exit codes have them. */
const INTERRUPTED = 130;

/** `teleport reload`, ours. */
export function configure(command: Command): void {
  command
    .option("-c, --config <path>", "configuration file (default: /etc/teleport.yaml)")
    .option("--dry-run", "only tell what would happen")
    .action(async (_flags: ReloadFlags, command: Command) => {
      await reload(command.optsWithGlobals<ReloadFlags>());
    });
  withExamples(
    command,
    "teleport reload --dry-run",
    "teleport reload -c /etc/teleport.yaml    # a changed storage: returns when the cluster has moved",
  );
}

/** Has the running daemon apply a file. Throws `config` with every problem of the file, and what was in the way. */
async function reload({ config, dryRun = false }: ReloadFlags): Promise<void> {
  const source = selectConfig({ config }, process.env);
  if (!source) throw badParameter("there is no configuration file: name one with --config");
  const { dataDir } = resolveSettings(
    loadConfig(source.text, source.name).config,
    {},
    { hostname: os.hostname() },
  );
  const onInterrupt = (): void => {
    const text = "The reload goes on: see tctl storage status, or end a move with tctl storage abort.\n";
    void printToStdout(text).finally(() => process.exit(INTERRUPTED));
  };
  process.once("SIGINT", onInterrupt);
  const { requestReload } = await import("../../process/reload/control-client.js");
  const file = { name: path.resolve(source.name), text: source.text };
  await requestReload(dataDir, { file, dryRun }, (line) => void printToStdout(`${terminalText(line)}\n`));
  process.off("SIGINT", onInterrupt);
  await printToStdout(dryRun ? "Nothing was changed: this was a dry run.\n" : "Done.\n");
}
