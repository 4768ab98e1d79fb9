import type { Clock } from "../plugin/clock.js";

/** Calls `fire` once after `delayMs` of the clock; the returned function cancels it and may be called at any time. */
export function startTimer(clock: Clock, delayMs: number, fire: () => void): () => void {
  const cancel = new AbortController();
  clock.sleep(delayMs, cancel.signal).then(
    () => {
      if (!cancel.signal.aborted) fire();
    },
    () => undefined,
  );
  return () => cancel.abort();
}
