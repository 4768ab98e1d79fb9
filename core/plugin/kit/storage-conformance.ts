/**
 * The conformance kit of the storage contract, version 2.
 *
 * It is plain data: a backend's own test suite (of any framework) or `teleport plugin test` runs the cases, each on a
 * storage of its own. Every defect that a backend has ever had belongs here as a case.
 */
import type { StorageCapabilities } from "../storage.js";
import { conditionCases } from "./storage/condition-cases.js";
import { crashCases } from "./storage/crash-cases.js";
import { eventLoopCases } from "./storage/event-loop-cases.js";
import { expiryCases } from "./storage/expiry-cases.js";
import { faultCases } from "./storage/fault-cases.js";
import { historyCases } from "./storage/history-cases.js";
import { itemCases } from "./storage/item-cases.js";
import { leaseCases } from "./storage/lease-cases.js";
import { lifeCases } from "./storage/life-cases.js";
import { lockCases } from "./storage/lock-cases.js";
import { outageCases } from "./storage/outage-cases.js";
import { pagingCases } from "./storage/paging-cases.js";
import { raceCases } from "./storage/race-cases.js";
import { rangeCases } from "./storage/range-cases.js";
import { sizeCases } from "./storage/size-cases.js";
import { watchCases } from "./storage/watch-cases.js";
import { NotApplicable, Trial, type StorageFixture, type StorageTrial } from "./storage/trial.js";
import { within } from "./within.js";

export { ManualClock } from "./manual-clock.js";
export { capabilityMatrix, type CapabilityRow } from "./capability-matrix.js";
export { prefixedStorage } from "./prefixed-storage.js";
export { runCases, type RunOptions } from "./run-cases.js";
export { serveCrashWriter } from "./storage/crash-writer.js";
export type { StorageFixture } from "./storage/trial.js";

/** The version of the kit; it grows with every case that is added. */
export const STORAGE_CONFORMANCE_VERSION = 2;

const GROUPS = {
  "items": itemCases,
  "conditions": conditionCases,
  "ranges": rangeCases,
  "paging": pagingCases,
  "sizes": sizeCases,
  "expiry": expiryCases,
  "leases": leaseCases,
  "watch": watchCases,
  "histories": historyCases,
  "races": raceCases,
  "locks": lockCases,
  "faults": faultCases,
  "life": lifeCases,
  "event loop": eventLoopCases,
  "outage": outageCases,
  "crash": crashCases,
} satisfies Record<string, StorageTrial[]>;

/** A group of cases. */
export type ConformanceGroup = keyof typeof GROUPS;

/** All groups, in reading order. */
export const CONFORMANCE_GROUPS = Object.keys(GROUPS) as ConformanceGroup[];

/** Groups whose cases mostly wait for time to pass: several of them may run at once on one store. */
const WAITING: ReadonlySet<ConformanceGroup> = new Set(["expiry", "leases"]);

/** What became of a case. */
export type CaseOutcome =
  | { readonly status: "passed" }
  /** The case does not apply to the storage; `reason` says why. */
  | { readonly status: "skipped"; readonly reason: string }
  | { readonly status: "failed"; readonly error: unknown };

/** One thing a backend must do. */
export interface ConformanceCase {
  /** Group, title and, of a random case, the seed; unique. */
  readonly name: string;
  readonly group: ConformanceGroup;
  readonly title: string;
  /** What the random numbers of a random case start from: the option `seed` repeats them. */
  readonly seed?: number;
  /** The stated capabilities that the case proves. */
  readonly proves: readonly (keyof StorageCapabilities)[];
  /** Whether the case mostly waits, so that several such may run at once on one store. */
  readonly waits: boolean;
  /** Rejects with an assertion error where the backend does not do it. */
  readonly run: () => Promise<void>;
  /** Runs the case and says what became of it; never rejects. */
  readonly outcome: () => Promise<CaseOutcome>;
}

/** Options of {@link storageConformance}. */
export interface StorageConformanceOptions {
  /** How long an expected event may take; 5 s when absent. */
  readonly patienceMs?: number;
  /** The longest acceptable hold-up of the event loop; 100 ms when absent, ten times what the contract asks for. */
  readonly stallMs?: number;
  /** How long a case may take at all; 5 minutes when absent. */
  readonly caseTimeoutMs?: number;
  /** How many items the paging cases write; 10,000 when absent. */
  readonly pagingItems?: number;
  /** The seed of the first run of each random case, further runs count on from it; 1 when absent. */
  readonly seed?: number;
  /** Whether there are crash cases, for which every fixture has a `child`. */
  readonly crash?: boolean;
  /** Whether there are outage cases, for which every fixture has an `outage`. */
  readonly outage?: boolean;
  /** The groups that are wanted; all when absent. */
  readonly groups?: readonly ConformanceGroup[];
}

/** The cases, in reading order. `make` gives each of them an empty storage. */
export function storageConformance(
  make: () => Promise<StorageFixture>,
  options: StorageConformanceOptions = {},
): ConformanceCase[] {
  const wanted = (options.groups ?? CONFORMANCE_GROUPS).filter(
    (group) => (group !== "crash" || options.crash) && (group !== "outage" || options.outage),
  );
  return CONFORMANCE_GROUPS.filter((group) => wanted.includes(group)).flatMap((group) =>
    GROUPS[group].flatMap((trial) =>
      seedsOf(trial, options).map((seed) => conformanceCase(group, trial, seed, make, options)),
    ),
  );
}

function seedsOf({ seeds }: StorageTrial, { seed = 1 }: StorageConformanceOptions): (number | undefined)[] {
  return seeds === undefined ? [undefined] : Array.from({ length: seeds }, (_, n) => seed + n);
}

function conformanceCase(
  group: ConformanceGroup,
  trial: StorageTrial,
  seed: number | undefined,
  make: () => Promise<StorageFixture>,
  options: StorageConformanceOptions,
): ConformanceCase {
  const attempt = () => runTrial(trial, seed ?? 0, make, options);
  return {
    name: `${group}: ${trial.name}${seed === undefined ? "" : ` (seed ${seed})`}`,
    group,
    title: trial.name,
    ...(seed !== undefined && { seed }),
    proves: trial.proves ?? [],
    waits: WAITING.has(group),
    async run() {
      const outcome = await attempt();
      if (outcome.status === "failed") {
        throw outcome.error;
      }
    },
    outcome: attempt,
  };
}

async function runTrial(
  { run }: StorageTrial,
  seed: number,
  make: () => Promise<StorageFixture>,
  options: StorageConformanceOptions,
): Promise<CaseOutcome> {
  const { patienceMs = 5000, stallMs = 100, pagingItems = 10_000, caseTimeoutMs = 300_000 } = options;
  let trial: Trial;
  try {
    trial = new Trial(await make(), { patienceMs, stallMs, pagingItems, seed });
  } catch (error) {
    return failure(error);
  }
  const outcome = await outcomeOf(within(run(trial), caseTimeoutMs, "the case did not end"));
  const end = await outcomeOf(trial.end());
  // What went wrong first says more than what followed from it.
  return outcome.status === "failed" || end.status === "passed" ? outcome : end;
}

function outcomeOf(work: Promise<void>): Promise<CaseOutcome> {
  return work.then((): CaseOutcome => ({ status: "passed" }), failure);
}

function failure(error: unknown): CaseOutcome {
  return error instanceof NotApplicable
    ? { status: "skipped", reason: error.message }
    : { status: "failed", error };
}
