import { hasCode, notFound } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCollection, undefinedWhenMissing, type Versioned } from "./collection.js";
import { below, isKeySegment, keys } from "./keys.js";
import { optionalTime } from "./rfc3339.js";
import { withStoredExpiry } from "./roles.js";
import { userCodec } from "./user-codec.js";
import type { User } from "./user.js";

/** Users. Their secrets lie beside them: see credentials.ts. */
export interface UserStore {
  /** Throws `not_found`. */
  get(name: string): Promise<User>;
  /** Undefined also for a name that no user can have. */
  find(name: string): Promise<User | undefined>;
  list(): Promise<User[]>;
  /** Throws `already_exists`. */
  create(user: User): Promise<void>;
  put(user: User): Promise<void>;
  /** Changes a user atomically, trying again where another writer was faster. Throws `not_found`. */
  modify(name: string, change: (user: User) => User): Promise<void>;
  /** Removes a user with its secrets, sessions and login attempts. Throws `not_found`. */
  delete(name: string): Promise<void>;
}

/** The users in a backend. */
export function createUserStore(storage: Storage): UserStore {
  const collection = createCollection(storage, userCodec);
  const missing = (name: string): string => `user ${JSON.stringify(name)} is not found`;
  const expiry = (user: User): Date | undefined => optionalTime(user.metadata.expires);
  const get = (name: string): Promise<Versioned<User>> => collection.get(keys.user(name), missing(name));
  return {
    get: async (name) => withStoredExpiry(await get(name)),
    async find(name) {
      const found = isKeySegment(name) ? await collection.find(keys.user(name)) : undefined;
      return found === undefined ? undefined : withStoredExpiry(found);
    },
    list: async () =>
      (await collection.list(below(keys.users), (key) => /^\/web\/users\/[^/]+\/params$/.test(key))).map(
        withStoredExpiry,
      ),
    create: async (user) => void (await collection.create(keys.user(user.metadata.name), user, expiry(user))),
    put: async (user) => void (await collection.replace(keys.user(user.metadata.name), user, expiry(user))),
    async modify(name, change) {
      for (;;) {
        const current = await get(name);
        const changed = change(current.value);
        try {
          await collection.replaceVersion(keys.user(name), changed, current, current.expires);
          return;
        } catch (error) {
          if (!hasCode(error, "compare_failed")) {
            throw error;
          }
        }
      }
    },
    async delete(name) {
      // The record goes first: a crash in between leaves secrets without a user, who then cannot log in.
      const record = await storage.delete(keys.user(name)).then(() => 1, undefinedWhenMissing);
      const others = await storage.deleteRange(below(keys.ofUser(name)));
      if ((record ?? 0) + others === 0) {
        throw notFound(missing(name));
      }
    },
  };
}
