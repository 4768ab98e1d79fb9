/**
 * The conformance kit of the storage contract, version 1.
 *
 * It is plain data: a backend's own test suite (of any framework) or a command line runs the cases, each on a storage
 * of its own. Every defect that a backend has ever had belongs here as a case.
 */
import { conditionCases } from "./storage/condition-cases.js";
import { eventLoopCases } from "./storage/event-loop-cases.js";
import { expiryCases } from "./storage/expiry-cases.js";
import { itemCases } from "./storage/item-cases.js";
import { lifeCases } from "./storage/life-cases.js";
import { rangeCases } from "./storage/range-cases.js";
import { watchCases } from "./storage/watch-cases.js";
import { Trial, type StorageFixture, type StorageTrial } from "./storage/trial.js";

export type { StorageFixture } from "./storage/trial.js";

/** The version of the kit; it grows with every case that is added. */
export const STORAGE_CONFORMANCE_VERSION = 1;

/** One thing a backend must do. */
export interface ConformanceCase {
  readonly name: string;
  /** Rejects with an assertion error where the backend does not do it. */
  readonly run: () => Promise<void>;
}

/** Options of {@link storageConformance}. */
export interface StorageConformanceOptions {
  /** How long an expected event may take; 5 s when absent. */
  readonly patienceMs?: number;
  /** The longest acceptable hold-up of the event loop; 100 ms when absent, ten times what the contract asks for. */
  readonly stallMs?: number;
}

/** All cases, in reading order. `make` gives each of them an empty storage. */
export function storageConformance(
  make: () => Promise<StorageFixture>,
  options: StorageConformanceOptions = {},
): ConformanceCase[] {
  const groups: Record<string, StorageTrial[]> = {
    "items": itemCases,
    "conditions": conditionCases,
    "ranges": rangeCases,
    "expiry": expiryCases,
    "watch": watchCases,
    "life": lifeCases,
    "event loop": eventLoopCases,
  };
  return Object.entries(groups).flatMap(([group, trials]) =>
    trials.map(({ name, run }) => ({
      name: `${group}: ${name}`,
      run: async () => {
        const trial = new Trial(await make(), options.patienceMs ?? 5000, options.stallMs ?? 100);
        try {
          await run(trial);
        } finally {
          await trial.end();
        }
      },
    })),
  );
}
