/** Load for `tsh bench`: requests at a steady rate, however long each of them takes. */
import { errorMessage } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";

/** What to do. */
export interface BenchPlan {
  /** Requests at once. */
  readonly threads: number;
  readonly durationMs: number;
  /** Requests a second. */
  readonly rate: number;
  readonly request: () => Promise<void>;
}

/** What came of it. */
export interface BenchResult {
  readonly originated: number;
  readonly failed: number;
  readonly lastError: string | undefined;
  /** Milliseconds of each request that succeeded, from the moment when it was due. */
  readonly latenciesMs: readonly number[];
}

const MS_PER_SECOND = 1000;

/**
 * Originates requests until the time is over and waits for the last of them. A request that has to wait for a free
 * thread counts from when it was due: a slow server is not spared load, and its delays are not left out.
 */
export async function runBench(
  { threads, durationMs, rate, request }: BenchPlan,
  clock: Clock,
): Promise<BenchResult> {
  const start = clock.now().getTime();
  const total = Math.max(1, Math.floor((durationMs * rate) / MS_PER_SECOND));
  const latenciesMs: number[] = [];
  let originated = 0;
  let failed = 0;
  let lastError: string | undefined;
  const thread = async (): Promise<void> => {
    while (originated < total) {
      const due = start + (originated++ * MS_PER_SECOND) / rate;
      const waitMs = due - clock.now().getTime();
      if (waitMs > 0) await clock.sleep(waitMs);
      try {
        await request();
        latenciesMs.push(clock.now().getTime() - due);
      } catch (error) {
        failed += 1;
        lastError = errorMessage(error);
      }
    }
  };
  await Promise.all(Array.from({ length: threads }, thread));
  return { originated, failed, lastError, latenciesMs };
}

const PERCENTILES = [25, 50, 75, 90, 95, 99, 100];

/** Rows of percentile and duration (nearest rank); empty without a latency. */
export function latencyHistogram(latenciesMs: readonly number[]): [percentile: string, duration: string][] {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  return PERCENTILES.map((percentile) => {
    const rank = Math.ceil((percentile / 100) * sorted.length) - 1;
    return [String(percentile), `${Math.round(sorted[Math.max(0, rank)]!)} ms`];
  });
}
