import { unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { StorageHealth } from "../storage/storage-health.js";
import type { WatchEvent } from "./client/api.js";

/** How soon those who watch have to learn that the storage is away, well within what `strict` roles allow. */
const AWAY_MS = { least: 30_000, spread: 60_000 };
/** How soon that it is back. */
const BACK_MS = { least: 0, spread: 3_000 };

/**
 * Yields the events of a watch, and ends it by `unavailable` some time after the storage has gone away, or has come back:
 * whoever watches then reads everything anew, and learns with it from when the state is. Spread over time, since all
 * hosts of a cluster watch.
 */
export async function* endedByAbsence(
  open: (signal: AbortSignal) => AsyncIterable<WatchEvent>,
  { health, clock }: { readonly health: StorageHealth; readonly clock: Clock },
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const over = new AbortController();
  const told = health.staleSince() !== undefined;
  const until = AbortSignal.any([signal, over.signal]);
  let isStale = false;
  const follow = async (): Promise<void> => {
    const { least, spread } = told ? BACK_MS : AWAY_MS;
    for (;;) {
      while ((health.staleSince() !== undefined) === told) {
        await health.changed(until);
        if (until.aborted) return;
      }
      await clock.sleep(least + Math.random() * spread, until);
      if ((health.staleSince() !== undefined) !== told) break;
    }
    isStale = true;
    over.abort();
  };
  follow().catch(() => undefined);
  try {
    yield* open(until);
    if (isStale)
      throw unavailable("the storage has gone away or come back: read everything again and watch anew");
  } finally {
    over.abort();
  }
}
