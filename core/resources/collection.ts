/** Typed access to the objects of one kind: what every store of this folder is made of. */
import { hasCode, notFound } from "../errors/error.js";
import type { KeyRange, Revision, Storage } from "../plugin/storage.js";
import type { Codec } from "./codec.js";

/** An object as it was read, with the revision that conditional writes need. */
export interface Versioned<T> {
  readonly value: T;
  /** The stored bytes, with the fields that this release does not know. */
  readonly bytes: Uint8Array;
  readonly revision: Revision;
  /** When the store lets it expire, which wins over the time inside the value. */
  readonly expires: Date | undefined;
}

/** Reads and writes objects of one kind under given keys. Expiry is for the caller to write into the value too. */
export interface Collection<T> {
  get(key: string, missing: string): Promise<Versioned<T>>;
  find(key: string): Promise<Versioned<T> | undefined>;
  /** In key order. `accepts` leaves out keys that belong to something else below the same prefix. */
  list(range: KeyRange, accepts?: (key: string) => boolean): Promise<Versioned<T>[]>;
  create(key: string, value: T, expires?: Date): Promise<Revision>;
  put(key: string, value: T, expires?: Date): Promise<Revision>;
  /**
   * As {@link put}, but atomically keeps the fields of the stored object that this release does not know. Not for
   * authorities, whose bytes are fixed.
   */
  replace(key: string, value: T, expires?: Date): Promise<Revision>;
  /** Replaces what was read, keeping its unknown fields as {@link replace} does. Throws `compare_failed`. */
  replaceVersion(key: string, value: T, read: Versioned<T>, expires?: Date): Promise<Revision>;
  compareAndSwap(key: string, value: T, expected: Revision, expires?: Date): Promise<Revision>;
}

/** A collection over a backend. */
export function createCollection<T>(storage: Storage, codec: Codec<T>): Collection<T> {
  const read = (item: {
    key: string;
    value: Uint8Array;
    revision: Revision;
    expires?: Date | undefined;
  }) => ({
    value: codec.decode(item.key, item.value),
    bytes: item.value,
    revision: item.revision,
    expires: item.expires,
  });
  const find = async (key: string): Promise<Versioned<T> | undefined> => {
    const item = await storage.get(key).catch(undefinedWhenMissing);
    return item === undefined ? undefined : read(item);
  };
  return {
    find,
    async get(key, missing) {
      const found = await find(key);
      if (found === undefined) {
        throw notFound(missing);
      }
      return found;
    },
    async list(range, accepts = () => true) {
      const found: Versioned<T>[] = [];
      for await (const item of storage.range(range)) {
        if (accepts(item.key)) {
          found.push(read(item));
        }
      }
      return found;
    },
    create: (key, value, expires) => storage.create({ key, value: codec.encode(value), expires }),
    put: (key, value, expires) => storage.put({ key, value: codec.encode(value), expires }),
    async replace(key, value, expires) {
      for (;;) {
        const before = await storage.get(key).catch(undefinedWhenMissing);
        try {
          if (before === undefined) return await storage.create({ key, value: codec.encode(value), expires });
          const bytes = codec.encodeOver(value, before.value);
          return await storage.compareAndSwap({ key, value: bytes, expires }, before.revision);
        } catch (error) {
          if (!hasCode(error, "compare_failed") && !hasCode(error, "already_exists")) throw error;
        }
      }
    },
    replaceVersion: (key, value, read, expires) =>
      storage.compareAndSwap({ key, value: codec.encodeOver(value, read.bytes), expires }, read.revision),
    compareAndSwap: (key, value, expected, expires) =>
      storage.compareAndSwap({ key, value: codec.encode(value), expires }, expected),
  };
}

/** For `catch`: a missing item is no failure; every other error goes on. */
export function undefinedWhenMissing(error: unknown): undefined {
  if (!hasCode(error, "not_found")) {
    throw error;
  }
  return undefined;
}
