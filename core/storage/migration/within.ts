import { setTimeout as pause } from "node:timers/promises";
import { unavailable } from "@teleport/plugin";

/** Waits for a promise; throws `unavailable` with `otherwise` and the time where it takes longer. */
export async function within(ms: number, promise: Promise<void>, otherwise: string): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([
      promise,
      pause(ms, undefined, { signal: over.signal }).then(() => {
        throw unavailable(`${otherwise} within ${ms / 1000} s`);
      }),
    ]);
  } finally {
    over.abort();
  }
}
