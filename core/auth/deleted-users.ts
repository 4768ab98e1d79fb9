/** What keeps the certificates of a deleted user refused, also when the name is given again. */
import { deletedUserLockName } from "../resources/deleted-user-lock.js";
import type { Lock } from "../resources/lock.js";
import { formatTime, optionalTime } from "../resources/rfc3339.js";

const SECOND_MS = 1_000;

/**
 * The lock that refuses the certificates which a user has got so far; `before` is the lock of the last time. Issue times
 * are whole seconds, so each lock reaches a second further than the one before.
 */
export function deletedUserLock(name: string, now: Date, before?: Lock): Lock {
  // A user is locked twice, around the removal; the second that has begun is left to a new user of this name.
  const lastSecond = (Math.floor(now.getTime() / SECOND_MS) - 1) * SECOND_MS;
  const last = optionalTime(before?.spec.issued_before)?.getTime() ?? 0;
  return {
    kind: "lock",
    version: "v2",
    metadata: { name: deletedUserLockName(name) },
    spec: {
      target: { user: name },
      message: `user "${name}" was deleted`,
      issued_before: formatTime(new Date(Math.max(lastSecond, last + SECOND_MS))),
    },
  };
}
