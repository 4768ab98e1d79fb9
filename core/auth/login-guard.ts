/** The lock against guessing: five failures in a row, and a name is locked for twenty minutes (features.md §6.3). */
import { accessDenied, hasCode, limitExceeded } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { ZERO_TIME } from "../resources/envelope.js";
import { isKeySegment } from "../resources/keys.js";
import type { LoginAttemptStore } from "../resources/login-attempts.js";
import { formatTime, parseTime } from "../resources/rfc3339.js";
import type { User } from "../resources/user.js";
import type { UserStore } from "../resources/users.js";
import { createKeyedMutex } from "./keyed-mutex.js";

const MAX_FAILURES = 5;
const LOCK_MS = 20 * 60_000;
/** An attempt that began this long ago has been checked by now. */
const UNDER_WAY_MS = 10_000;
const LOCKED_MESSAGE = "user has exceeded maximum failed login attempts";

/** Counts attempts and locks names. */
export interface LoginGuard {
  /**
   * Runs a check of credentials as one attempt for the name; the user is undefined where nobody has it. A check that
   * throws `access_denied` is a failure, one that throws anything else does not count. Throws `access_denied` without
   * checking where the name is locked.
   */
  attempt<T>(username: string, check: (user: User | undefined) => Promise<T>): Promise<T>;
}

/**
 * A guard that holds also for many attempts at once: in this process they wait for each other, and each is recorded as
 * failed *before* its check, so that several auth servers over one store do not check more than may still fail. A name
 * that no user has is counted and locked in the same way: the lock does not tell who exists.
 */
export function createLoginGuard(context: {
  readonly users: UserStore;
  readonly attempts: LoginAttemptStore;
  readonly clock: Clock;
}): LoginGuard {
  const { users, attempts, clock } = context;
  const mutex = createKeyedMutex();

  const attempt = async <T>(username: string, check: (user: User | undefined) => Promise<T>): Promise<T> => {
    const user = await users.find(username);
    const now = clock.now();
    const lastLock = user === undefined ? derivedLock(await attempts.times(username, now)) : storedLock(user);
    if (lastLock !== undefined && lastLock > now) {
      throw lockedError(username, lastLock);
    }
    const id = await attempts.record(username, now);
    try {
      requireRoom(await attempts.times(username, now), now);
      const result = await check(user);
      await attempts.clear(username);
      return result;
    } catch (error) {
      if (!hasCode(error, "access_denied")) {
        await attempts.remove(username, id);
        throw error;
      }
      if ((await attempts.times(username, now)).length < MAX_FAILURES) {
        throw error;
      }
      const until = new Date(now.getTime() + LOCK_MS);
      if (user !== undefined) {
        await lock(users, username, until);
      }
      throw lockedError(username, until);
    }
  };

  return {
    attempt: (username, check) =>
      // A name that cannot be stored cannot be counted; nobody has it either.
      isKeySegment(username) ? mutex.run(username, () => attempt(username, check)) : check(undefined),
  };
}

function storedLock(user: User): Date | undefined {
  const { is_locked: isLocked, lock_expires: expires } = user.spec.status;
  return isLocked ? parseTime(expires) : undefined;
}

/** Where there is no user record to keep a lock, it follows from the attempts: none is recorded while locked. */
function derivedLock(times: readonly Date[]): Date | undefined {
  const last = times[times.length - 1];
  return last === undefined || times.length < MAX_FAILURES ? undefined : new Date(last.getTime() + LOCK_MS);
}

/**
 * Refuses an attempt beside which so many others may be under way that, failing, they would be more than allowed. Older
 * failures leave less room, but always for one: after a lock has run out the next failure locks again.
 */
function requireRoom(times: readonly Date[], now: Date): void {
  const recent = times.filter((at) => now.getTime() - at.getTime() < UNDER_WAY_MS).length;
  if (recent > Math.max(1, MAX_FAILURES - (times.length - recent))) {
    throw limitExceeded("too many logins of this user at once: try again in ten seconds", {
      retryAfterMs: UNDER_WAY_MS,
    });
  }
}

async function lock(users: UserStore, username: string, until: Date): Promise<void> {
  const status = {
    is_locked: true,
    locked_message: LOCKED_MESSAGE,
    locked_time: ZERO_TIME,
    lock_expires: formatTime(until),
  };
  await users.modify(username, (user) => ({ ...user, spec: { ...user.spec, status } }));
}

function lockedError(username: string, until: Date): Error {
  return accessDenied(
    `${username} exceeds ${MAX_FAILURES} failed login attempts, locked until ${humanTime(until)}`,
  );
}

/** A moment in the form of 4.2's message: `Mon Jan  2 15:04 UTC`. */
function humanTime(moment: Date): string {
  const [weekday = "", day = "", month = "", , time = ""] = moment.toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time.slice(0, 5)} UTC`;
}
