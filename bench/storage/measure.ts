/** How the benches of the storage measure: rates, times, processor seconds and the longest turn of the event loop. */
import { closeSync, openSync, readSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";

/** What a number of operations cost. */
export interface Cost {
  readonly perSecond: number;
  /** Of all threads of this process, for a thousand operations. */
  readonly cpuMsPerThousand: number;
  /** The longest time in which the event loop did not get round; the machine's other work is in it. */
  readonly longestTurnMs: number;
}

/** Resolution of the event loop's observer: what it sees of an idle loop. */
const RESOLUTION_MS = 1;

/** Runs `count` operations, `inFlight` at a time. */
export async function cost(
  count: number,
  inFlight: number,
  operation: (n: number) => unknown,
): Promise<Cost> {
  const turns = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  turns.enable();
  // The observer begins with the next turn.
  await pause(2 * RESOLUTION_MS);
  turns.reset();
  let next = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) await operation(next++);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await pause(2 * RESOLUTION_MS);
  turns.disable();
  return {
    perSecond: Math.round(count / seconds),
    cpuMsPerThousand: round((user + system) / count),
    longestTurnMs: round(Math.max(0, turns.max / 1e6 - RESOLUTION_MS)),
  };
}

/**
 * The longest turn of the event loop that is our own doing, in milliseconds: without the time in which this thread was
 * ready to run and other processes had the processors. Waiting for a disk is in it. Linux only.
 */
export async function ownTurnMs(
  count: number,
  inFlight: number,
  operation: (n: number) => unknown,
): Promise<number> {
  const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  const text = Buffer.alloc(128);
  // Nanoseconds on a processor, nanoseconds ready to run, time slices.
  const readyMs = (): number => {
    const bytes = readSync(schedule, text, 0, text.length, 0);
    return Number(text.toString("latin1", 0, bytes).split(" ")[1]) / 1e6;
  };
  let longest = 0;
  let isRunning = true;
  const watching = (async () => {
    for (let before = { at: performance.now(), ready: readyMs() }; isRunning;) {
      await turn();
      const now = { at: performance.now(), ready: readyMs() };
      longest = Math.max(longest, now.at - before.at - (now.ready - before.ready));
      before = now;
    }
  })();
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) await operation(next++);
    }),
  );
  isRunning = false;
  await watching;
  closeSync(schedule);
  return round(longest);
}

/** The machine's own stalls: the longest turn of a loop that does nothing. */
export async function idleTurnMs(): Promise<number> {
  return (await cost(1, 1, () => pause(500))).longestTurnMs;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}

/** Median, 99th percentile and largest value. */
export function percentiles(values: readonly number[]): Record<"p50" | "p99" | "max", number> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.floor((sorted.length - 1) * share)] ?? NaN);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Two digits after the point. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
