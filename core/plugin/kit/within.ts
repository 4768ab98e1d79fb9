import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/** Fails with `what` where a promise takes longer than `ms` milliseconds; the work itself goes on. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const over = new AbortController();
  const late = pause(ms, undefined, { signal: over.signal }).then(
    () => assert.fail(`${what} within ${ms} ms`),
    () => assert.fail(what),
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
