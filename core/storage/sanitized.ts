import {
  badParameter,
  type Item,
  type KeyRange,
  type NewItem,
  type Revision,
  type Storage,
  type StorageCapabilities,
  type StorageEvent,
  type WatchOptions,
} from "@teleport/plugin";

const ALPHABET = /^[0-9A-Za-z@_:.\-/]*$/;

/**
 * The same storage, but every key and prefix must be made of the letters 4.2 allows (storage.md §0): a name that comes
 * from outside can then never form another key than the one meant. Others are `bad_parameter`.
 */
export function sanitized(storage: Storage): Storage {
  return new SanitizedStorage(storage);
}

class SanitizedStorage implements Storage {
  constructor(private readonly storage: Storage) {}

  get capabilities(): StorageCapabilities {
    return this.storage.capabilities;
  }

  async create(item: NewItem): Promise<Revision> {
    check(item.key);
    return this.storage.create(item);
  }

  async put(item: NewItem): Promise<Revision> {
    check(item.key);
    return this.storage.put(item);
  }

  async update(item: NewItem, expected?: Revision): Promise<Revision> {
    check(item.key);
    return this.storage.update(item, expected);
  }

  async compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    check(item.key);
    return this.storage.compareAndSwap(item, expected);
  }

  async get(key: string): Promise<Item> {
    check(key);
    return this.storage.get(key);
  }

  async *range(range: KeyRange, options?: { readonly signal?: AbortSignal }): AsyncIterable<Item> {
    check(range.start);
    yield* this.storage.range(range, options);
  }

  async delete(key: string, expected?: Revision): Promise<void> {
    check(key);
    return this.storage.delete(key, expected);
  }

  async deleteRange(range: KeyRange): Promise<number> {
    check(range.start);
    return this.storage.deleteRange(range);
  }

  async keepAlive(key: string, expires: Date): Promise<Revision> {
    check(key);
    return this.storage.keepAlive(key, expires);
  }

  watch(prefixes: readonly string[], options?: WatchOptions): AsyncIterable<StorageEvent> {
    prefixes.forEach(check);
    return this.storage.watch(prefixes, options);
  }

  close(): Promise<void> {
    return this.storage.close();
  }
}

/** The end of a range is not checked: it is the successor of a key, which may lie outside the alphabet. */
function check(key: string): void {
  if (!ALPHABET.test(key) || key.includes("//")) {
    throw badParameter(
      "special characters are not allowed in resource names, please use name composed only from characters, hyphens and dots",
    );
  }
}
