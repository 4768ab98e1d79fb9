import { hasCode, notFound } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCollection } from "./collection.js";
import {
  AFTER_DELETED_USER_LOCKS,
  DELETED_USER_LOCK_PREFIX,
  deletedUserLockName,
} from "./deleted-user-lock.js";
import { below, keys } from "./keys.js";
import { lockCodec } from "./lock-codec.js";
import type { Lock } from "./lock.js";
import { optionalTime } from "./rfc3339.js";

/** Locks. An expired one is gone. */
export interface LockStore {
  /** Throws `not_found`. */
  get(name: string): Promise<Lock>;
  list(): Promise<Lock[]>;
  /**
   * The locks that can hold against a user: all but those of other deleted users, which may be many thousands and are
   * not read.
   */
  listAgainst(user: string): Promise<Lock[]>;
  /** Throws `already_exists`. */
  create(lock: Lock): Promise<void>;
  put(lock: Lock): Promise<void>;
  /** Makes a lock out of the one of this name, atomically, trying again where another writer was faster. */
  change(name: string, next: (before: Lock | undefined) => Lock): Promise<Lock>;
  /** Throws `not_found`. */
  delete(name: string): Promise<void>;
}

/** The locks in a backend, under a prefix of ours. */
export function createLockStore(storage: Storage): LockStore {
  const collection = createCollection(storage, lockCodec);
  const missing = (name: string): string => `lock ${name} is not found`;
  return {
    get: async (name) => (await collection.get(keys.lock(name), missing(name))).value,
    list: async () => (await collection.list(below(keys.locks))).map(({ value }) => value),
    async listAgainst(user) {
      const { start, end } = below(keys.locks);
      const found = await Promise.all([
        collection.list({ start, end: keys.locks + DELETED_USER_LOCK_PREFIX }),
        collection.list({ start: keys.locks + AFTER_DELETED_USER_LOCKS, end }),
        collection.find(keys.lock(deletedUserLockName(user))),
      ]);
      return found.flat().flatMap((lock) => lock?.value ?? []);
    },
    create: async (lock) =>
      void (await collection.create(keys.lock(lock.metadata.name), lock, optionalTime(lock.spec.expires))),
    put: async (lock) =>
      void (await collection.replace(keys.lock(lock.metadata.name), lock, optionalTime(lock.spec.expires))),
    async change(name, next) {
      const key = keys.lock(name);
      for (;;) {
        const found = await collection.find(key);
        const lock = next(found?.value);
        const expires = optionalTime(lock.spec.expires);
        try {
          if (found === undefined) await collection.create(key, lock, expires);
          else await collection.replaceVersion(key, lock, found, expires);
          return lock;
        } catch (error) {
          if (!hasCode(error, "compare_failed") && !hasCode(error, "already_exists")) throw error;
        }
      }
    },
    async delete(name) {
      try {
        await storage.delete(keys.lock(name));
      } catch (error) {
        throw hasCode(error, "not_found") ? notFound(missing(name), { cause: error }) : error;
      }
    },
  };
}
