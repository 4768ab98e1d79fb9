import { callingUser } from "../caller.js";
import type { AuthApi } from "../client/api.js";
import type { CallScope } from "./scope.js";

/** Locks. */
export function lockCalls({
  caller,
  may,
  services,
}: CallScope): Pick<AuthApi, "getLocks" | "createLock" | "upsertLock" | "deleteLock"> {
  const { locks } = services;
  return {
    async getLocks() {
      await may.require("lock", "list", "read");
      return locks.list();
    },
    async createLock(lock) {
      await may.require("lock", "create");
      await locks.create(lock, callingUser(caller));
    },
    async upsertLock(lock) {
      await may.require("lock", "create", "update");
      await locks.put(lock, callingUser(caller));
    },
    async deleteLock(name) {
      await may.require("lock", "delete");
      await locks.remove(name, callingUser(caller));
    },
  };
}
