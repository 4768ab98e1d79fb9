import {
  alreadyExists,
  compareFailed,
  limitExceeded,
  notFound,
  systemClock,
  unavailable,
  type Clock,
  type Cursor,
  type Item,
  type KeyRange,
  type NewItem,
  type Revision,
  type Storage,
  type StorageCapabilities,
  type StorageEvent,
  type WatchOptions,
} from "@teleport/plugin";
import { ChangeLog, type Change } from "./change-log.js";
import { compareKeys } from "./key-order.js";

const MAX_KEY_BYTES = 4096;
const MAX_VALUE_BYTES = 16 * 1024 * 1024;

/** Options of {@link createMemoryStorage}. */
export interface MemoryStorageOptions {
  /** How many changes a watch may lie behind before it gets a `reset`; 4096 when absent. */
  readonly historySize?: number;
}

/** A storage in this process's memory, with the full contract. It is gone when closed. */
export function createMemoryStorage(clock: Clock = systemClock, options: MemoryStorageOptions = {}): Storage {
  return new MemoryStorage(clock, options.historySize ?? 4096);
}

class MemoryStorage implements Storage {
  readonly capabilities: StorageCapabilities = {
    atomicWrite: false,
    ttl: "swept",
    ttlGranularityMs: 1,
    watch: "push",
    maxKeyBytes: MAX_KEY_BYTES,
    maxValueBytes: MAX_VALUE_BYTES,
  };
  readonly #items = new Map<string, Item>();
  readonly #log: ChangeLog;
  readonly #closed = new AbortController();
  #writes = 0;
  /** No item expires before this time (unix ms); spares a look at every item. */
  #nextExpiryMs = Infinity;

  constructor(
    private readonly clock: Clock,
    historySize: number,
  ) {
    this.#log = new ChangeLog(historySize);
  }

  async create(item: NewItem): Promise<Revision> {
    this.#begin();
    checkSize(item);
    if (this.#items.has(item.key)) {
      throw alreadyExists(`${item.key} already exists`);
    }
    return this.#write(item);
  }

  async put(item: NewItem): Promise<Revision> {
    this.#begin();
    checkSize(item);
    return this.#write(item);
  }

  async update(item: NewItem, expected?: Revision): Promise<Revision> {
    this.#begin();
    checkSize(item);
    this.#expect(this.#live(item.key), expected);
    return this.#write(item);
  }

  async compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    this.#begin();
    checkSize(item);
    if (this.#items.get(item.key)?.revision !== expected) {
      throw compareFailed(`${item.key} has been changed by someone else`);
    }
    return this.#write(item);
  }

  async get(key: string): Promise<Item> {
    this.#begin();
    return copy(this.#live(key));
  }

  async *range(range: KeyRange, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Item> {
    this.#begin();
    const found = this.#inRange(range).map(copy);
    for (const item of found) {
      options.signal?.throwIfAborted();
      yield item;
    }
  }

  async delete(key: string, expected?: Revision): Promise<void> {
    this.#begin();
    this.#expect(this.#live(key), expected);
    this.#remove(key);
  }

  async deleteRange(range: KeyRange): Promise<number> {
    this.#begin();
    const found = this.#inRange(range);
    for (const item of found) {
      this.#remove(item.key);
    }
    return found.length;
  }

  async keepAlive(key: string, expires: Date): Promise<Revision> {
    this.#begin();
    return this.#write({ key, value: this.#live(key).value, expires });
  }

  watch(prefixes: readonly string[], options: WatchOptions = {}): AsyncIterable<StorageEvent> {
    this.#begin();
    // Taken here and not at the first `next`, so that a write right after this call is seen.
    return this.#changes(prefixes, options, this.#log.last);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#items.clear();
  }

  async *#changes(
    prefixes: readonly string[],
    options: WatchOptions,
    now: number,
  ): AsyncGenerator<StorageEvent> {
    const signal = options.signal
      ? AbortSignal.any([options.signal, this.#closed.signal])
      : this.#closed.signal;
    let position = options.cursor === undefined ? now : Number(options.cursor);
    yield { type: "init", cursor: cursorOf(position) };
    while (!signal.aborted) {
      this.#sweep();
      const changes = this.#log.after(position);
      if (changes === undefined) {
        position = this.#log.last;
        yield { type: "reset", cursor: cursorOf(position) };
        continue;
      }
      for (const change of changes) {
        position = change.position;
        const event = eventOf(change, prefixes);
        if (event) {
          yield event;
        }
        // The consumer may have been away for long: look again at what is still there.
        if (signal.aborted || this.#log.after(position) === undefined) {
          break;
        }
      }
      if (!signal.aborted && position === this.#log.last) {
        await this.#changeOrExpiry(signal);
      }
    }
  }

  async #changeOrExpiry(signal: AbortSignal): Promise<void> {
    const untilExpiryMs = this.#nextExpiryMs - this.clock.now().getTime();
    if (untilExpiryMs === Infinity) {
      return this.#log.next(signal);
    }
    if (untilExpiryMs <= 0) {
      return;
    }
    const over = new AbortController();
    const change = this.#log.next(AbortSignal.any([signal, over.signal]));
    const expiry = this.clock.sleep(untilExpiryMs, over.signal).catch(() => undefined);
    await Promise.race([change, expiry]);
    over.abort();
  }

  #begin(): void {
    if (this.#closed.signal.aborted) {
      throw unavailable("the storage is closed");
    }
    this.#sweep();
  }

  #sweep(): void {
    const now = this.clock.now().getTime();
    if (now < this.#nextExpiryMs) {
      return;
    }
    this.#nextExpiryMs = Infinity;
    for (const item of [...this.#items.values()]) {
      if (item.expires === undefined) {
        continue;
      }
      if (item.expires.getTime() <= now) {
        this.#remove(item.key);
      } else {
        this.#nextExpiryMs = Math.min(this.#nextExpiryMs, item.expires.getTime());
      }
    }
  }

  #live(key: string): Item {
    const item = this.#items.get(key);
    if (!item) {
      throw notFound(`${key} is not found`);
    }
    return item;
  }

  #expect(item: Item, expected: Revision | undefined): void {
    if (expected !== undefined && item.revision !== expected) {
      throw compareFailed(`${item.key} has been changed by someone else`);
    }
  }

  #inRange({ start, end }: KeyRange): Item[] {
    return [...this.#items.values()]
      .filter((item) => compareKeys(item.key, start) >= 0 && compareKeys(item.key, end) < 0)
      .sort((a, b) => compareKeys(a.key, b.key));
  }

  #write(item: NewItem): Revision {
    const stored = copy({ ...item, revision: String(++this.#writes) });
    this.#items.set(item.key, stored);
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, stored.expires?.getTime() ?? Infinity);
    this.#log.append({ type: "put", item: stored });
    return stored.revision;
  }

  #remove(key: string): void {
    this.#items.delete(key);
    this.#log.append({ type: "delete", key });
  }
}

function checkSize({ key, value }: NewItem): void {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw limitExceeded(`the key ${key.slice(0, 64)}... is longer than ${MAX_KEY_BYTES} bytes`);
  }
  if (value.length > MAX_VALUE_BYTES) {
    throw limitExceeded(`the value of ${key} is larger than ${MAX_VALUE_BYTES} bytes`);
  }
}

function cursorOf(position: number): Cursor {
  return String(position);
}

function eventOf(change: Change, prefixes: readonly string[]): StorageEvent | undefined {
  const key = change.type === "put" ? change.item.key : change.key;
  if (!prefixes.some((prefix) => key.startsWith(prefix))) {
    return undefined;
  }
  const cursor = cursorOf(change.position);
  return change.type === "put"
    ? { type: "put", item: copy(change.item), cursor }
    : { type: "delete", key: change.key, cursor };
}

/** Callers own what they give and get: a stored value never changes under anyone's hands. */
function copy(item: Item): Item {
  const { key, value, expires, revision } = item;
  return { key, value: new Uint8Array(value), ...(expires && { expires: new Date(expires) }), revision };
}
