import { hasCode, notFound } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCollection, type Versioned } from "./collection.js";
import { below, isKeySegment, keys } from "./keys.js";
import { roleCodec } from "./role-codec.js";
import type { Role } from "./role.js";
import { formatTime, optionalTime } from "./rfc3339.js";

/** Roles. */
export interface RoleStore {
  /** Throws `not_found`. */
  get(name: string): Promise<Role>;
  /** False also for a name that no role can have. Throws `corrupt` for one that cannot be read. */
  has(name: string): Promise<boolean>;
  list(): Promise<Role[]>;
  /** Throws `already_exists`. */
  create(role: Role): Promise<void>;
  put(role: Role): Promise<void>;
  /** Throws `not_found`. */
  delete(name: string): Promise<void>;
}

/** The roles in a backend. */
export function createRoleStore(storage: Storage): RoleStore {
  const collection = createCollection(storage, roleCodec);
  const missing = (name: string): string => `role ${name} is not found`;
  return {
    get: async (name) => withStoredExpiry(await collection.get(keys.role(name), missing(name))),
    has: async (name) => isKeySegment(name) && (await collection.find(keys.role(name))) !== undefined,
    list: async () =>
      (await collection.list(below(keys.roles), (key) => key.endsWith("/params"))).map(withStoredExpiry),
    create: async (role) =>
      void (await collection.create(
        keys.role(role.metadata.name),
        role,
        optionalTime(role.metadata.expires),
      )),
    put: async (role) =>
      void (await collection.replace(
        keys.role(role.metadata.name),
        role,
        optionalTime(role.metadata.expires),
      )),
    async delete(name) {
      try {
        await storage.delete(keys.role(name));
      } catch (error) {
        throw hasCode(error, "not_found") ? notFound(missing(name), { cause: error }) : error;
      }
    },
  };
}

/** The resource with the expiry that the store keeps, where there is one: it wins over the one inside. */
export function withStoredExpiry<T extends { metadata: { expires?: string } }>(found: Versioned<T>): T {
  const { value, expires } = found;
  return expires === undefined
    ? value
    : { ...value, metadata: { ...value.metadata, expires: formatTime(expires) } };
}
