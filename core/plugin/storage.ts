/**
 * The storage contract: what every backend gives and the conformance kit proves.
 *
 * Keys are `/`-separated printable strings and sort by their UTF-8 bytes. A range is `[start, end)`, end exclusive.
 * Values are bytes; an empty value is legal. Failures carry the codes `not_found`, `already_exists`,
 * `compare_failed`, `limit_exceeded`, `corrupt` and `unavailable`; an unknown failure is never `not_found`.
 */

/** An opaque revision of one item. It changes with every write to the key and never repeats for that key. */
export type Revision = string;

/** An opaque position in the stream of changes; only {@link Storage.watch} can read it. */
export type Cursor = string;

/** One stored item. */
export interface Item {
  readonly key: string;
  readonly value: Uint8Array;
  /** When the item ceases to exist; absent means never. Precise to {@link StorageCapabilities.ttlGranularityMs}. */
  readonly expires?: Date | undefined;
  readonly revision: Revision;
}

/** What a caller writes. */
export interface NewItem {
  readonly key: string;
  readonly value: Uint8Array;
  readonly expires?: Date | undefined;
}

/** Bounds of a range: from `start` inclusive to `end` exclusive. */
export interface KeyRange {
  readonly start: string;
  readonly end: string;
}

/** One change, as a watch yields it. */
export type StorageEvent =
  /** The first event of every watch: from here on nothing is missed. */
  | { readonly type: "init"; readonly cursor: Cursor }
  | { readonly type: "put"; readonly item: Item; readonly cursor: Cursor }
  | { readonly type: "delete"; readonly key: string; readonly cursor: Cursor }
  /** Changes were lost (compaction, purge, overflow): read everything again, then go on from `cursor`. */
  | { readonly type: "reset"; readonly cursor: Cursor };

/** What a backend can do; stated, so that callers need not guess. */
export interface StorageCapabilities {
  /** Whether several keys can be written in one atomic step. */
  readonly atomicWrite: boolean;
  /** `native`: the store removes expired items; `swept`: the plugin does. Reads never show them either way. */
  readonly ttl: "native" | "swept";
  /** How precisely expiry is kept, in milliseconds. */
  readonly ttlGranularityMs: number;
  readonly watch: "push" | "poll";
  readonly maxKeyBytes: number;
  readonly maxValueBytes: number;
}

/** Options of a watch. */
export interface WatchOptions {
  /** Resume behind this position; without it the watch starts now. */
  readonly cursor?: Cursor | undefined;
  /** Ends the watch. The iterator then returns; it does not throw. */
  readonly signal?: AbortSignal | undefined;
}

/** A running storage backend. All methods may be called concurrently. */
export interface Storage {
  readonly capabilities: StorageCapabilities;
  /** Writes a new item. Throws `already_exists` where a live item has the key. */
  create(item: NewItem): Promise<Revision>;
  /** Writes an item, whether the key exists or not. */
  put(item: NewItem): Promise<Revision>;
  /** Replaces a live item. Throws `not_found`, or `compare_failed` where `expected` is given and is not its revision. */
  update(item: NewItem, expected?: Revision): Promise<Revision>;
  /** Replaces a live item whose revision is `expected`. Throws `compare_failed` otherwise, also where it is missing. */
  compareAndSwap(item: NewItem, expected: Revision): Promise<Revision>;
  /** Reads a live item. Throws `not_found`. */
  get(key: string): Promise<Item>;
  /** Yields every live item of the range in key order, reading in pages; there is no silent limit. */
  range(range: KeyRange, options?: { readonly signal?: AbortSignal }): AsyncIterable<Item>;
  /** Removes a live item. Throws `not_found`, or `compare_failed` where `expected` is given and is not its revision. */
  delete(key: string, expected?: Revision): Promise<void>;
  /** Removes every item of the range and returns how many there were. */
  deleteRange(range: KeyRange): Promise<number>;
  /** Gives a live item a new expiry without changing its value. Throws `not_found`. */
  keepAlive(key: string, expires: Date): Promise<Revision>;
  /**
   * Yields `init`, then every change below any of the prefixes (plain string prefixes), in order per key, once each.
   * Where it cannot, it yields `reset`. Back-pressure: a slow consumer gets a `reset`, never a gap.
   */
  watch(prefixes: readonly string[], options?: WatchOptions): AsyncIterable<StorageEvent>;
  /** Releases everything. Idempotent, and legal at any time. Running watches end. */
  close(): Promise<void>;
}

/** The range that covers exactly the keys starting with `prefix`. */
export function prefixRange(prefix: string): KeyRange {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const code = prefix.charCodeAt(i);
    if (code < 0x7e) {
      return { start: prefix, end: prefix.slice(0, i) + String.fromCharCode(code + 1) };
    }
  }
  return { start: prefix, end: "\x7f" };
}
