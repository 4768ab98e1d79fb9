import type { AuthApi } from "../client/api.js";
import type { CallScope } from "./scope.js";

/** Locks. */
export function lockCalls({
  may,
  services,
}: CallScope): Pick<AuthApi, "getLocks" | "upsertLock" | "deleteLock"> {
  const { locks } = services;
  return {
    async getLocks() {
      await may.require("lock", "list", "read");
      return locks.list();
    },
    async upsertLock(lock) {
      await may.require("lock", "create", "update");
      await locks.put(lock);
    },
    async deleteLock(name) {
      await may.require("lock", "delete");
      await locks.remove(name);
    },
  };
}
