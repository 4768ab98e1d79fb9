import type {
  Item,
  KeyRange,
  NewItem,
  Revision,
  Storage,
  StorageCapabilities,
  StorageEvent,
  WatchOptions,
} from "../storage.js";

/**
 * The part of a storage whose keys start with `prefix`, as a storage of its own: several tests share one server without
 * seeing each other. The limit of keys is smaller by the prefix. `close` is called in place of the storage's own.
 */
export function prefixedStorage(
  storage: Storage,
  prefix: string,
  close: () => Promise<void> = () => storage.close(),
): Storage {
  return new PrefixedStorage(storage, prefix, close);
}

class PrefixedStorage implements Storage {
  readonly capabilities: StorageCapabilities;

  constructor(
    private readonly storage: Storage,
    private readonly prefix: string,
    readonly close: () => Promise<void>,
  ) {
    const { capabilities } = storage;
    this.capabilities = {
      ...capabilities,
      maxKeyBytes: capabilities.maxKeyBytes - Buffer.byteLength(prefix),
    };
  }

  async create(item: NewItem): Promise<Revision> {
    return this.storage.create(this.#inside(item));
  }

  async put(item: NewItem): Promise<Revision> {
    return this.storage.put(this.#inside(item));
  }

  async update(item: NewItem, expected?: Revision): Promise<Revision> {
    return this.storage.update(this.#inside(item), expected);
  }

  async compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    return this.storage.compareAndSwap(this.#inside(item), expected);
  }

  async get(key: string): Promise<Item> {
    return this.#outside(await this.storage.get(this.prefix + key));
  }

  async *range(range: KeyRange, options?: { readonly signal?: AbortSignal }): AsyncIterable<Item> {
    for await (const item of this.storage.range(this.#rangeInside(range), options)) {
      yield this.#outside(item);
    }
  }

  async delete(key: string, expected?: Revision): Promise<void> {
    return this.storage.delete(this.prefix + key, expected);
  }

  async deleteRange(range: KeyRange): Promise<number> {
    return this.storage.deleteRange(this.#rangeInside(range));
  }

  async keepAlive(key: string, expires: Date): Promise<Revision> {
    return this.storage.keepAlive(this.prefix + key, expires);
  }

  watch(prefixes: readonly string[], options?: WatchOptions): AsyncIterable<StorageEvent> {
    // The storage's own iterator: when it starts, and what ends it, is part of what is tested.
    const events = this.storage.watch(
      prefixes.map((prefix) => this.prefix + prefix),
      options,
    );
    return { [Symbol.asyncIterator]: () => this.#eventsOutside(events[Symbol.asyncIterator]()) };
  }

  #eventsOutside(events: AsyncIterator<StorageEvent>): AsyncIterator<StorageEvent> {
    const outside = (result: IteratorResult<StorageEvent>): IteratorResult<StorageEvent> =>
      result.done ? result : { done: false, value: this.#eventOutside(result.value) };
    return {
      next: async () => outside(await events.next()),
      return: async () => (events.return ? outside(await events.return()) : { done: true, value: undefined }),
    };
  }

  #eventOutside(event: StorageEvent): StorageEvent {
    switch (event.type) {
      case "put":
        return { ...event, item: this.#outside(event.item) };
      case "delete":
        return { ...event, key: this.#stripped(event.key) };
      case "init":
      case "reset":
        return event;
    }
  }

  #inside(item: NewItem): NewItem {
    return { ...item, key: this.prefix + item.key };
  }

  #outside(item: Item): Item {
    return { ...item, key: this.#stripped(item.key) };
  }

  /** A key from elsewhere stays whole, so that it shows. */
  #stripped(key: string): string {
    return key.startsWith(this.prefix) ? key.slice(this.prefix.length) : key;
  }

  /** Ends sort behind everything below the prefix only if the prefix stands before them, too. */
  #rangeInside({ start, end }: KeyRange): KeyRange {
    return { start: this.prefix + start, end: this.prefix + end };
  }
}
