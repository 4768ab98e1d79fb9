/** How long a session waits for a client that is told why it ends. */
import type { Clock } from "../plugin/clock.js";

/** A client that does not read by then is not waited for. */
const PATIENCE_MS = 2_000;

/** The last line that a session shows. */
export function lastLine(reason: string): Buffer {
  return Buffer.from(`\r\nThis session ends: ${reason}\r\n`);
}

/** Resolves when the work is done or has failed, and after {@link PATIENCE_MS} in any case. Never rejects. */
export async function patiently(clock: Clock, work: Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const patience = clock.sleep(PATIENCE_MS, stop.signal);
  await Promise.race([work, patience]).catch(() => undefined);
  patience.catch(() => undefined);
  stop.abort();
}
