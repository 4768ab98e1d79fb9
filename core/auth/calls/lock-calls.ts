import { callingUser } from "../caller.js";
import type { AuthApi } from "../client/api.js";
import { changed, stored } from "./rule-things.js";
import type { CallScope } from "./scope.js";

/** Locks. */
export function lockCalls({
  caller,
  may,
  services,
}: CallScope): Pick<AuthApi, "getLocks" | "createLock" | "upsertLock" | "deleteLock"> {
  const { locks, stores } = services;
  return {
    async getLocks() {
      return may.visible("lock", () => locks.list());
    },
    async createLock(lock) {
      await may.requireOn("lock", ["create"], () => stored(lock));
      await locks.create(lock, callingUser(caller));
    },
    async upsertLock(lock) {
      await may.requireOn("lock", ["create", "update"], () =>
        changed(lock, stores.locks.get(lock.metadata.name)),
      );
      await locks.put(lock, callingUser(caller));
    },
    async deleteLock(name) {
      await may.requireOn("lock", ["delete"], () => stored(stores.locks.get(name)));
      await locks.remove(name, callingUser(caller));
    },
  };
}
