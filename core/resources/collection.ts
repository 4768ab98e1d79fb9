/** Typed access to the objects of one kind: what every store of this folder is made of. */
import { hasCode, notFound } from "../errors/error.js";
import type { KeyRange, Revision, Storage } from "../plugin/storage.js";
import type { Codec } from "./codec.js";

/** An object as it was read, with the revision that conditional writes need. */
export interface Versioned<T> {
  readonly value: T;
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
