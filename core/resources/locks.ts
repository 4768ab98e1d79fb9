import { hasCode, notFound } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCollection } from "./collection.js";
import { below, keys } from "./keys.js";
import { lockCodec } from "./lock-codec.js";
import type { Lock } from "./lock.js";
import { optionalTime } from "./rfc3339.js";

/** Locks. An expired one is gone. */
export interface LockStore {
  /** Throws `not_found`. */
  get(name: string): Promise<Lock>;
  list(): Promise<Lock[]>;
  /** Throws `already_exists`. */
  create(lock: Lock): Promise<void>;
  put(lock: Lock): Promise<void>;
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
    create: async (lock) =>
      void (await collection.create(keys.lock(lock.metadata.name), lock, optionalTime(lock.spec.expires))),
    put: async (lock) =>
      void (await collection.put(keys.lock(lock.metadata.name), lock, optionalTime(lock.spec.expires))),
    async delete(name) {
      try {
        await storage.delete(keys.lock(name));
      } catch (error) {
        throw hasCode(error, "not_found") ? notFound(missing(name), { cause: error }) : error;
      }
    },
  };
}
