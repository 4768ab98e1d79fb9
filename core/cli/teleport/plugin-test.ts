import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import { CONFORMANCE_GROUPS, type ConformanceGroup } from "../../plugin/kit/storage-conformance.js";
import { printToStdout } from "../output.js";
import { ExitWith, withExamples } from "../program.js";

/** Flags of `teleport plugin test`. */
interface PluginTestFlags {
  readonly config?: string;
  readonly seed?: number;
  readonly only?: readonly ConformanceGroup[];
  readonly format: "text" | "json";
  readonly allowOccupied?: boolean;
  readonly debug?: boolean;
}

/** `teleport plugin test`: runs the conformance kit against a storage plugin. */
export function configure(command: Command): void {
  command
    .argument("<plugin>", "a file (./x.mjs), an npm package, or a built-in plugin such as storage.dir")
    .option("-c, --config <file>", "teleport.yaml whose storage section has the plugin's settings")
    .option("--seed <number>", "repeat the random cases of another run", seedNumber)
    .option("--only <groups>", `groups to run (comma separated): ${CONFORMANCE_GROUPS.join(", ")}`, groupList)
    .option("--allow-occupied", "use a store that holds other keys, too: a defective plugin may destroy them")
    .addOption(new Option("--format <format>", "output format").choices(["text", "json"]).default("text"))
    .action(async (plugin: string, _flags: PluginTestFlags, test: Command) =>
      run(plugin, test.optsWithGlobals<PluginTestFlags>()),
    );
  withExamples(
    command,
    "teleport plugin test storage.dir                              # in a scratch directory",
    "teleport plugin test ./my-backend.mjs --config test.yaml      # on the store that test.yaml names",
    "teleport plugin test ./my-backend.mjs --only races --seed 7   # one group, as in an earlier run",
  );
}

async function run(plugin: string, flags: PluginTestFlags): Promise<void> {
  const { openLog } = await import("../../process/log.js");
  const { findTestedStorage } = await import("../../process/storage-test/tested-storage.js");
  const { testStorage } = await import("../../process/storage-test/storage-test.js");
  const { announcement, jsonReport, progressLine, textReport } = await import("./plugin-test-report.js");

  const seed = flags.seed ?? randomInt(2 ** 31);
  const scratchDir = await mkdtemp(path.join(os.tmpdir(), "teleport-plugin-test-"));
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const source = { plugin, workingDir: process.cwd(), configFile: flags.config, scratchDir };
    const log = await openLog({
      severity: flags.debug ? "debug" : "error",
      output: "stderr",
      format: "text",
    });
    const tested = await findTestedStorage(source, log);
    const text = flags.format === "text";
    if (text) await printToStdout(announcement(tested.id, seed, flags.config));
    const report = await testStorage(tested, {
      source,
      seed,
      groups: flags.only,
      allowOccupied: flags.allowOccupied ?? false,
      signal: interrupted.signal,
      onOutcome: (result) => {
        if (text && process.stderr.isTTY) process.stderr.write(progressLine(result));
      },
    });
    await printToStdout(
      text ? textReport(plugin, flags.config, report) : jsonReport(tested.id, seed, report),
    );
    if (!report.complete) throw new ExitWith(1, "error: the test was interrupted");
    if (report.results.some(({ outcome }) => outcome.status === "failed")) throw new ExitWith(1);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    await rm(scratchDir, { recursive: true, force: true });
  }
}

function seedNumber(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed >= 2 ** 31) {
    throw new InvalidArgumentError("It must be a whole number below 2147483648.");
  }
  return seed;
}

function groupList(text: string): ConformanceGroup[] {
  return text.split(",").map((word) => {
    const group = CONFORMANCE_GROUPS.find((name) => name === word.trim());
    if (!group) throw new InvalidArgumentError(`There is no group '${word}'.`);
    return group;
  });
}
