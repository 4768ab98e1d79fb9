/** Changes to locks; each is audited. */
import { auditEvent } from "../audit/catalogue.js";
import { badParameter } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { DELETED_USER_LOCK_PREFIX, deletedUserLockName } from "../resources/deleted-user-lock.js";
import { lockCodec } from "../resources/lock-codec.js";
import type { Lock } from "../resources/lock.js";
import type { LockStore } from "../resources/locks.js";
import { optionalTime } from "../resources/rfc3339.js";
import type { AuditTrail } from "./audit-trail.js";
import { deletedUserLock } from "./deleted-users.js";

/** Sets and removes locks. */
export interface Locks {
  list(): Promise<Lock[]>;
  /** `by` is the user who does it, where a user does. Throws `bad_parameter` for what is no lock, or is over already. */
  put(lock: Lock, by?: string): Promise<void>;
  /** As {@link put}; throws `already_exists`. */
  create(lock: Lock, by?: string): Promise<void>;
  /** Shuts out the certificates that a user has got so far, as {@link deletedUserLock} says. */
  putDeletedUser(user: string, by?: string): Promise<void>;
  /** Throws `not_found`. */
  remove(name: string, by?: string): Promise<void>;
}

/** The cluster's locks. */
export function createLocks(context: {
  readonly locks: LockStore;
  readonly audit: AuditTrail;
  readonly clock: Clock;
}): Locks {
  const { locks, audit, clock } = context;
  const checked = (input: Lock): Lock => {
    const lock = lockCodec.check(input);
    requireOwnName(lock);
    const expires = optionalTime(lock.spec.expires);
    if (expires !== undefined && expires <= clock.now()) {
      throw badParameter(`lock ${lock.metadata.name} expires in the past: ${lock.spec.expires}`);
    }
    return lock;
  };
  const lockCreated = ({ metadata, spec }: Lock, by: string | undefined): Promise<void> =>
    audit.emit(
      auditEvent("lockCreated", "success", {
        name: metadata.name,
        target: { ...spec.target },
        message: spec.message,
        expires: spec.expires,
        user: by,
      }),
    );
  return {
    list: () => locks.list(),
    async put(input, by) {
      const lock = checked(input);
      await locks.put(lock);
      await lockCreated(lock, by);
    },
    async create(input, by) {
      const lock = checked(input);
      await locks.create(lock);
      await lockCreated(lock, by);
    },
    async putDeletedUser(user, by) {
      const name = deletedUserLockName(user);
      const lock = await locks.change(name, (before) => deletedUserLock(user, clock.now(), before));
      await lockCreated(lock, by);
    },
    async remove(name, by) {
      await locks.delete(name);
      await audit.emit(auditEvent("lockDeleted", "success", { name, user: by }));
    },
  };
}

/** Locks of deleted users are looked for by their names only: another one so named would hold against nobody. */
function requireOwnName({ metadata: { name }, spec: { target } }: Lock): void {
  if (!name.startsWith(DELETED_USER_LOCK_PREFIX)) return;
  if (target.user === undefined || name !== deletedUserLockName(target.user)) {
    throw badParameter(`the name ${name} is kept for the lock of a deleted user: choose another one`);
  }
}
