import { hasCode } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";

/** How long and how often to try. */
export interface RetryOptions {
  readonly clock: Clock;
  /** From the first attempt; the last one may start this late. */
  readonly forMs: number;
  /** Ends the waiting; the last failure is then thrown. */
  readonly signal?: AbortSignal | undefined;
}

const STEP_MS = 1_000;

/** Repeats work that fails with `unavailable`, once a second. Throws the last failure, and any other at once. */
export async function retryWhileUnavailable<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, forMs, signal } = options;
  const giveUpAt = clock.now().getTime() + forMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!hasCode(error, "unavailable") || clock.now().getTime() >= giveUpAt) throw error;
      if (signal?.aborted !== true) await clock.sleep(STEP_MS, signal).catch(() => undefined);
      if (signal?.aborted === true) throw error;
    }
  }
}
