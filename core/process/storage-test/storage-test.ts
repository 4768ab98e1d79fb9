/** `teleport plugin test`: the conformance kit against a storage plugin, on whatever store its settings name. */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { badParameter } from "../../errors/error.js";
import type { RunningPlugin } from "../../plugin/host.js";
import { systemClock } from "../../plugin/clock.js";
import { capabilityMatrix, type CapabilityRow } from "../../plugin/kit/capability-matrix.js";
import { prefixedStorage } from "../../plugin/kit/prefixed-storage.js";
import { ShiftedClock } from "../../plugin/kit/shifted-clock.js";
import {
  runCases,
  storageConformance,
  type CaseOutcome,
  type ConformanceCase,
  type ConformanceGroup,
  type StorageFixture,
} from "../../plugin/kit/storage-conformance.js";
import type { CrashWriterArgument } from "./crash-writer.js";
import { foreignKey, removeAbandoned, removeAll, runFolder } from "./test-keys.js";
import type { TestedStorage, TestedStorageSource } from "./tested-storage.js";

const CRASH_WRITER = fileURLToPath(new URL("./crash-writer.js", import.meta.url));

/** What to run. */
export interface StorageTestOptions {
  readonly source: TestedStorageSource;
  /** The seed of the first run of each random case. */
  readonly seed: number;
  /** The groups that are wanted; all when absent. */
  readonly groups?: readonly ConformanceGroup[] | undefined;
  /** Whether a store that holds keys of others may be used. */
  readonly allowOccupied: boolean;
  /** Ends the run after the cases under way; what was written is removed even so. */
  readonly signal: AbortSignal;
  readonly onOutcome?: (result: CaseResult) => void;
}

/** A case that was run. */
export interface CaseResult {
  readonly testCase: ConformanceCase;
  readonly outcome: CaseOutcome;
  readonly ms: number;
}

/** What a test has found. */
export interface StorageTestReport {
  readonly results: readonly CaseResult[];
  readonly capabilities: readonly CapabilityRow[];
  /** Whether every wanted case was run. */
  readonly complete: boolean;
}

/**
 * Tests a plugin. Every case has a key prefix of its own below one folder, which is removed at the end. Throws
 * `bad_parameter`, before anything is written, where the store holds keys of others and that is not allowed.
 */
export async function testStorage(
  tested: TestedStorage,
  options: StorageTestOptions,
): Promise<StorageTestReport> {
  const keeper = await tested.open(systemClock);
  try {
    if (!options.allowOccupied) {
      await refuseOccupied(tested.id, keeper);
    }
    await removeAbandoned(keeper.product, Date.now());
    const folder = runFolder(Date.now(), randomBytes(4).toString("hex"));
    try {
      return await runAll(tested, keeper, folder, options);
    } finally {
      await removeAll(keeper.product, folder);
    }
  } finally {
    await keeper.close();
  }
}

async function refuseOccupied(id: string, keeper: RunningPlugin<"storage">): Promise<void> {
  const key = await foreignKey(keeper.product);
  if (key !== undefined) {
    throw badParameter(
      `the store of ${id} is in use (it holds ${key}): test on an empty one, or add --allow-occupied if a defect of the plugin may cost its content`,
    );
  }
}

async function runAll(
  tested: TestedStorage,
  keeper: RunningPlugin<"storage">,
  folder: string,
  { source, seed, groups, signal, onOutcome }: StorageTestOptions,
): Promise<StorageTestReport> {
  let count = 0;
  const make = async (): Promise<StorageFixture> => {
    const prefix = `${folder}${++count}`;
    const clock = new ShiftedClock();
    const open = async () => {
      const running = await tested.open(clock);
      return prefixedStorage(running.product, prefix, () => running.close());
    };
    const argument: CrashWriterArgument = { source, prefix };
    return {
      storage: await open(),
      peer: open,
      shiftClock: (ms) => clock.shift(ms),
      child: () =>
        fork(CRASH_WRITER, [JSON.stringify(argument)], { stdio: ["ignore", "ignore", "inherit", "ipc"] }),
      dispose: () => removeAll(keeper.product, `${prefix}/`),
    };
  };
  const cases = storageConformance(make, { seed, crash: true, ...(groups && { groups }) });
  const results: CaseResult[] = [];
  await runCases(cases, {
    signal,
    onOutcome(testCase, outcome, ms) {
      results.push({ testCase, outcome, ms });
      onOutcome?.({ testCase, outcome, ms });
    },
  });
  return {
    results,
    capabilities: capabilityMatrix(keeper.product.capabilities, results),
    complete: results.length === cases.length,
  };
}
