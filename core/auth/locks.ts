/** Changes to locks; each is audited. */
import { auditEvent } from "../audit/catalogue.js";
import { badParameter } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { lockCodec } from "../resources/lock-codec.js";
import type { Lock } from "../resources/lock.js";
import type { LockStore } from "../resources/locks.js";
import { optionalTime } from "../resources/rfc3339.js";
import type { AuditTrail } from "./audit-trail.js";

/** Sets and removes locks. */
export interface Locks {
  list(): Promise<Lock[]>;
  /** Throws `bad_parameter` for what is no lock, or one that is over already. */
  put(lock: Lock): Promise<void>;
  /** Throws `not_found`. */
  remove(name: string): Promise<void>;
}

/** The cluster's locks. */
export function createLocks(context: {
  readonly locks: LockStore;
  readonly audit: AuditTrail;
  readonly clock: Clock;
}): Locks {
  const { locks, audit, clock } = context;
  return {
    list: () => locks.list(),
    async put(input) {
      const lock = lockCodec.check(input);
      const expires = optionalTime(lock.spec.expires);
      if (expires !== undefined && expires <= clock.now()) {
        throw badParameter(`lock ${lock.metadata.name} expires in the past: ${lock.spec.expires}`);
      }
      await locks.put(lock);
      await audit.emit(
        auditEvent("lockCreated", "success", {
          name: lock.metadata.name,
          target: { ...lock.spec.target },
          message: lock.spec.message,
          expires: lock.spec.expires,
        }),
      );
    },
    async remove(name) {
      await locks.delete(name);
      await audit.emit(auditEvent("lockDeleted", "success", { name }));
    },
  };
}
