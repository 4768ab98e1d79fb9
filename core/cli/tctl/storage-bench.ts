import type { Command } from "commander";
import { badParameter, unavailable } from "../../errors/error.js";
import { parseDuration } from "../../grammar/duration.js";
import { withExamples } from "../program.js";
import { withAuth, type TctlContext } from "./context.js";
import { addFormatFlag, isJson } from "./output-format.js";
import { storageBenchText } from "./storage-bench-report.js";

/** Flags of `tctl storage bench`. */
export interface StorageBenchFlags {
  readonly duration: string;
  readonly inFlight: string;
  readonly valueBytes: string;
  readonly format: string;
}

/** `tctl storage bench`, ours. */
export function configure(command: Command): void {
  command
    .option("--duration <duration>", "how long to measure: 1s to 20s", "5s")
    .option("--in-flight <number>", "operations at a time: 1 to 64", "8")
    .option("--value-bytes <number>", "size of each value: 1 to 65536", "1024")
    .action((flags: StorageBenchFlags, command: Command) =>
      withAuth(command, (context) => benchTheStorage(context, flags)),
    );
  addFormatFlag(command);
  withExamples(
    command,
    "tctl storage bench                                  # about five seconds",
    "tctl storage bench --duration=20s --in-flight=32",
    "tctl storage bench --format=json | jq '.phases[] | {name, p99_ms}'",
  );
}

/** Has the auth server measure its storage, and prints what came of it. Throws `unavailable` where operations failed. */
export async function benchTheStorage({ api, print }: TctlContext, flags: StorageBenchFlags): Promise<void> {
  const asJson = isJson(flags.format);
  const report = await api.benchStorage({
    duration_ms: parseDuration(flags.duration),
    in_flight: wholeNumber("--in-flight", flags.inFlight),
    value_bytes: wholeNumber("--value-bytes", flags.valueBytes),
  });
  await print(asJson ? `${JSON.stringify(report, undefined, 2)}\n` : storageBenchText(report));
  const failed = report.phases.filter((phase) => phase.failed > 0);
  if (failed.length > 0) {
    const names = failed.map(({ name }) => name).join(", ");
    throw unavailable(`the storage failed at ${names}: see the report and the log of the auth server`);
  }
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw badParameter(`${flag} takes a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}
