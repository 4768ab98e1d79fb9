/** Watches of users: they may run for days, and end at the moment when the user may have them no more. */
import { accessDenied } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Storage } from "../plugin/storage.js";
import { keys } from "../resources/keys.js";
import type { WatchEvent } from "./client/api.js";

/** What a watch of a user goes by. */
export interface WatchGuard {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly username: string;
  /** When the user's certificate expires. */
  readonly expires: Date;
  /** Throws where the user may not have the watch any more. */
  readonly check: () => Promise<void>;
}

/** A timer cannot be set further ahead than some 24 days. */
const LONGEST_SLEEP_MS = 24 * 3_600_000;

/**
 * Yields the events of a watch. `check` is asked before each of them and whenever locks, roles or the user change; what
 * it throws ends the watch, as do the certificate's expiry and the loss of the changes that it goes by.
 */
export async function* guardedWatch(
  open: (signal: AbortSignal) => AsyncIterable<WatchEvent>,
  guard: WatchGuard,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  let failure: { readonly reason: unknown } | undefined;
  const fail = (reason: unknown): void => {
    if (until.aborted) return;
    failure = { reason };
    ended.abort();
  };
  followDecisions(guard, until).catch(fail);
  expire(guard, until).catch(fail);
  try {
    for await (const event of open(until)) {
      await guard.check();
      yield event;
    }
    if (failure !== undefined) throw failure.reason;
  } finally {
    ended.abort();
  }
}

async function followDecisions({ storage, username, check }: WatchGuard, signal: AbortSignal): Promise<void> {
  const decisive = [keys.locks, keys.roles, keys.ofUser(username)];
  // Also where changes were lost, since what was lost may be a lock.
  for await (const _change of storage.watch(decisive, { signal })) await check();
  signal.throwIfAborted();
  throw accessDenied("it cannot be told any more whether you may watch: watch anew");
}

async function expire({ clock, expires }: WatchGuard, signal: AbortSignal): Promise<void> {
  for (;;) {
    const leftMs = expires.getTime() - clock.now().getTime();
    if (leftMs <= 0) throw accessDenied("your certificate has expired: log in again");
    await clock.sleep(Math.min(leftMs, LONGEST_SLEEP_MS), signal);
  }
}
