import { hasCode } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";

/** A growing pause before the next attempt. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** A random pause between nothing and the exponential bound (full jitter), so that many clients spread out. */
export function jitteredDelay(attempt: number, { baseMs, maxMs }: Backoff): number {
  return Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
}

const ATTEMPTS = 3;
const READS: Backoff = { baseMs: 100, maxMs: 2_000 };

/** Runs an idempotent call up to three times while it fails with `unavailable`. */
export async function withRetries<T>(call: () => Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt + 1 >= ATTEMPTS || signal.aborted || !hasCode(error, "unavailable")) throw error;
      await clock.sleep(jitteredDelay(attempt, READS), signal);
    }
  }
}
