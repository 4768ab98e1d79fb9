/**
 * The process that the crash cases of `teleport plugin test` kill: opens the plugin by the same settings and writes
 * below the key prefix of the case. Its argument is a {@link CrashWriterArgument} as JSON.
 */
import { systemClock } from "../../plugin/clock.js";
import { prefixedStorage } from "../../plugin/kit/prefixed-storage.js";
import { serveCrashWriter } from "../../plugin/kit/storage/crash-writer.js";
import { silentLogger } from "../../plugin/logger.js";
import { findTestedStorage, type TestedStorageSource } from "./tested-storage.js";

/** What the process is told. */
export interface CrashWriterArgument {
  readonly source: TestedStorageSource;
  readonly prefix: string;
}

await serveCrashWriter(async () => {
  const { source, prefix } = JSON.parse(process.argv[2] ?? "{}") as CrashWriterArgument;
  const tested = await findTestedStorage(source, silentLogger);
  const { product } = await tested.open(systemClock);
  return prefixedStorage(product, prefix);
});
