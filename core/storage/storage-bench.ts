/** Measures a storage from the process that uses it, in short phases that are bounded in time, writes and bytes. */
import { setImmediate as turn } from "node:timers/promises";
import { errorMessage, type Clock, type KeyRange, type NewItem, type Storage } from "@teleport/plugin";
import type {
  StorageBenchPhase,
  StorageBenchPhaseName,
  StorageBenchRequest,
} from "../resources/storage-bench.js";

/** Most bytes that one phase writes: backends keep a history of writes for a while. */
const PHASE_BYTES = 16 * 1024 * 1024;
const PHASE_WRITES = 5_000;
const PHASE_READS = 50_000;
const MOST_KEYS = 1_000;
const MOST_WATCHED = 200;
/** How long the last events of the watch are waited for: longer than a polled stream takes. */
const EVENTS_LATE_MS = 3_000;
/** After so many failures a phase has told enough. */
const FAILURES = 10;
const PHASES = 6;
/** How long operations that answer at once may keep the event loop from everybody else. */
const TURN_MS = 2;

/** Where and how to measure. */
export interface StorageBenchContext {
  readonly clock: Clock;
  /** Everything is written below it; ends with a slash. */
  readonly prefix: string;
  /** When what a crash has left behind is gone. */
  readonly expires: Date;
  /** Ends the measurement between two operations. */
  readonly signal: AbortSignal;
}

/** How many items of a size the range is measured with. */
export function benchItems({ value_bytes }: Pick<StorageBenchRequest, "value_bytes">): number {
  return Math.min(MOST_KEYS, writesOf(value_bytes));
}

/** Measures phase by phase. A failing backend gives phases with failures; only an aborted signal makes it throw. */
export async function benchStorage(
  storage: Storage,
  request: StorageBenchRequest,
  context: StorageBenchContext,
): Promise<StorageBenchPhase[]> {
  const { duration_ms, in_flight, value_bytes } = request;
  const { prefix, expires } = context;
  const value = Buffer.alloc(value_bytes, "x");
  const items = benchItems(request);
  const writes = writesOf(value_bytes);
  const itemAt = (n: number): NewItem => ({ key: `${prefix}items/${numbered(n % items)}`, value, expires });
  const range: KeyRange = { start: `${prefix}items/`, end: `${prefix}items0` };
  const put = (n: number): Promise<string> => storage.put(itemAt(n));
  const timed = (
    name: StorageBenchPhaseName,
    options: {
      inFlight?: number;
      most: number;
      atLeast?: number;
      operation: (n: number) => Promise<unknown>;
    },
  ): Promise<StorageBenchPhase> =>
    phase(name, { inFlight: in_flight, budgetMs: duration_ms / PHASES, ...options }, context);

  const latency = await timed("write_latency", { inFlight: 1, most: writes, operation: put });
  // What follows reads all of the items, so they are written whatever the time.
  const puts = await timed("put", { most: writes, atLeast: items, operation: put });
  const gets = await timed("get", { most: PHASE_READS, operation: (n) => storage.get(itemAt(n).key) });
  const ranges = await timed("range", {
    inFlight: 1,
    most: PHASE_READS / items,
    async operation() {
      for await (const _item of storage.range(range, { signal: context.signal }));
    },
  });
  const swaps = await timed("compare_and_swap", {
    most: writes,
    async operation(n) {
      const { revision } = await storage.get(itemAt(n).key);
      await storage.compareAndSwap(itemAt(n), revision);
    },
  });
  return [
    latency,
    puts,
    gets,
    { ...ranges, per_second: rounded(ranges.per_second * items) },
    swaps,
    await watchPhase(storage, duration_ms / PHASES, context),
  ];
}

function writesOf(valueBytes: number): number {
  return Math.max(1, Math.min(PHASE_WRITES, Math.floor(PHASE_BYTES / valueBytes)));
}

async function phase(
  name: StorageBenchPhaseName,
  options: {
    readonly inFlight: number;
    readonly budgetMs: number;
    readonly most: number;
    /** So many are done whatever the time. */
    readonly atLeast?: number;
    readonly operation: (n: number) => Promise<unknown>;
  },
  { signal }: StorageBenchContext,
): Promise<StorageBenchPhase> {
  const { inFlight, budgetMs, most, atLeast = 1, operation } = options;
  const times: number[] = [];
  const failures: unknown[] = [];
  const started = performance.now();
  let next = 0;
  let turnedAt = started;
  const mayGoOn = (): boolean =>
    failures.length < FAILURES && next < most && (next < atLeast || performance.now() - started < budgetMs);
  const worker = async (): Promise<void> => {
    while (mayGoOn()) {
      signal.throwIfAborted();
      if (performance.now() - turnedAt > TURN_MS) {
        await turn();
        turnedAt = performance.now();
      }
      const n = next++;
      const before = performance.now();
      try {
        await operation(n);
        times.push(performance.now() - before);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  signal.throwIfAborted();
  return result(name, inFlight, { times, failures, elapsedMs: performance.now() - started });
}

/** Writes one item after the other, and measures how long each takes to come back as an event. */
async function watchPhase(
  storage: Storage,
  budgetMs: number,
  { prefix, expires, signal, clock }: StorageBenchContext,
): Promise<StorageBenchPhase> {
  const below = `${prefix}watch/`;
  const calls = new Map<string, number>();
  const times: number[] = [];
  const failures: unknown[] = [];
  const done = new AbortController();
  const allSeen = new AbortController();
  let isWriting = true;
  const started = performance.now();
  const events = storage.watch([below], { signal: AbortSignal.any([signal, done.signal]) });
  const seen = (async () => {
    for await (const event of events) {
      const called = event.type === "put" ? calls.get(event.item.key) : undefined;
      if (event.type !== "put" || called === undefined) continue;
      times.push(performance.now() - called);
      calls.delete(event.item.key);
      if (!isWriting && calls.size === 0) allSeen.abort();
    }
  })().catch((error: unknown) => void failures.push(error));
  try {
    for (let n = 0; n < MOST_WATCHED && failures.length < FAILURES; n++) {
      signal.throwIfAborted();
      if (performance.now() - started >= budgetMs && n > 0) break;
      const key = below + numbered(n);
      calls.set(key, performance.now());
      try {
        await storage.put({ key, value: Buffer.from("x"), expires });
      } catch (error) {
        calls.delete(key);
        failures.push(error);
      }
    }
    isWriting = false;
    if (calls.size > 0) {
      await clock.sleep(EVENTS_LATE_MS, AbortSignal.any([signal, allSeen.signal])).catch(() => undefined);
    }
    signal.throwIfAborted();
  } finally {
    done.abort();
    await seen;
  }
  for (const key of calls.keys())
    failures.push(new Error(`no event has come for ${key.slice(prefix.length)}`));
  return result("watch", 1, { times, failures, elapsedMs: performance.now() - started });
}

function result(
  name: StorageBenchPhaseName,
  inFlight: number,
  measured: { readonly times: number[]; readonly failures: readonly unknown[]; readonly elapsedMs: number },
): StorageBenchPhase {
  const times = measured.times.sort((a, b) => a - b);
  const at = (share: number): number => rounded(times[Math.floor((times.length - 1) * share)] ?? NaN);
  return {
    name,
    in_flight: inFlight,
    count: times.length,
    failed: measured.failures.length,
    ...(measured.failures.length > 0 && { error: errorMessage(measured.failures[0]) }),
    per_second: rounded((times.length * 1000) / measured.elapsedMs),
    ...(times.length > 0 && { p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1) }),
  };
}

function numbered(n: number): string {
  return String(n).padStart(6, "0");
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
