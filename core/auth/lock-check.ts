import { MAX_LOCK_STALENESS_MS } from "../access/connection-access.js";
import { findLock, lockText, type LockSubject } from "../access/locks.js";
import { accessDenied, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { LockStore } from "../resources/locks.js";
import { optionalTime } from "../resources/rfc3339.js";
import { validFrom } from "./validity.js";

/** How far ahead of now a certificate may start: what a lock of a user who was just deleted may ask for. */
const MAX_AHEAD_MS = 5_000;

/**
 * Holds the cluster's locks against users. Every answer is by the locks as they are stored now; while the storage is away
 * by those that were known then, for five minutes where the locking mode is `strict`.
 */
export interface LockCheck {
  /** Throws `access_denied` with the lock's text. */
  requireUnlocked(subject: LockSubject): Promise<void>;
  /**
   * When a certificate that is issued now may start: a minute ago, for hosts whose clock is behind, but not before what
   * locks refuse with their `issued_before`. Throws `access_denied` with the text of a lock that refuses it all the same.
   */
  certificateStart(subject: Pick<LockSubject, "user" | "roles">): Promise<Date>;
}

/** A check against the stored locks. */
export function createLockCheck(context: {
  readonly locks: LockStore;
  readonly clock: Clock;
  /** From when the locks are; undefined while they are those of now. */
  readonly staleSince: () => Date | undefined;
  /** Whether the locking mode of these roles is `strict`. */
  readonly isStrict: (roles: readonly string[]) => Promise<boolean>;
}): LockCheck {
  const { locks, clock, staleSince, isStrict } = context;

  const requireKnown = async (roles: readonly string[]): Promise<void> => {
    const since = staleSince();
    if (since === undefined || clock.now().getTime() - since.getTime() <= MAX_LOCK_STALENESS_MS) return;
    if (!(await isStrict(roles))) return;
    throw unavailable(
      `the locks are not known since ${since.toISOString()} and the locking mode is strict: the storage is away`,
    );
  };

  return {
    async requireUnlocked(subject) {
      await requireKnown(subject.roles);
      const lock = findLock(await locks.listAgainst(subject.user), subject, clock.now());
      if (lock !== undefined) throw accessDenied(lockText(lock));
    },
    async certificateStart(subject) {
      await requireKnown(subject.roles);
      const all = await locks.listAgainst(subject.user);
      const now = clock.now();
      for (let start = validFrom(now); ;) {
        const lock = findLock(all, { ...subject, issuedAt: start }, now);
        if (lock === undefined) return start;
        const next = optionalTime(lock.spec.issued_before);
        if (next === undefined || next.getTime() > now.getTime() + MAX_AHEAD_MS) {
          throw accessDenied(lockText(lock));
        }
        start = next;
      }
    },
  };
}
