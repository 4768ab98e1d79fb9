/**
 * The handle through which the auth service uses its store, and behind which the store is exchanged: callers see one
 * storage, and nothing of the exchange but a short wait of their writes.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  hasCode,
  type Item,
  type KeyRange,
  type NewItem,
  type Revision,
  type Storage,
  type StorageCapabilities,
  type StorageEvent,
  type WatchOptions,
} from "@teleport/plugin";
import { tagged, untagged } from "./epoch-tag.js";
import { alike } from "./migration/compare.js";
import type { StoreSettings } from "./migration/records.js";
import { SwitchingWatch } from "./switching-watch.js";
import { WriteGate } from "./write-gate.js";

/** A store that holds the cluster. */
export interface ServingStore {
  readonly storage: Storage;
  /** How often the cluster had moved when it came here. */
  readonly epoch: number;
  readonly settings: StoreSettings;
  /** Ends the backend. Idempotent. */
  close(): Promise<void>;
}

/**
 * Whether this process may still speak for a store: one that was stopped for long may have missed that the cluster has left
 * it. Asked when a call has ended, before its answer is given; where it throws, so does the call.
 */
export interface StoreClaim {
  confirmWrite(store: ServingStore): Promise<void> | void;
  confirmRead(store: ServingStore): Promise<void> | void;
  /** Gives it up, while the store is still open: nobody need wait for this host any more. Does not throw. */
  release(): Promise<void>;
}

/** For a store that nobody moves. */
const UNDISPUTED: StoreClaim = {
  confirmWrite: () => undefined,
  confirmRead: () => undefined,
  release: () => Promise.resolve(),
};

/** What a write may have changed, whether it succeeded or not. */
export type Touched = string | KeyRange;

/** Told of a write once it has ended; its acknowledgement may be held back a while. */
export type WriteObserver = (touched: Touched) => Promise<void> | void;

/** How long running watches may take to begin in the next store; those that take longer yield `reset` there. */
const WATCHES_BEGIN_MS = 2_000;
/** Passed for a revision of which nothing is left: no item has it. */
const GONE: Revision = "-";

/** One storage over a store that can be exchanged. It keeps the contract of every {@link Storage}. */
export class SwitchableStorage implements Storage {
  readonly #gate = new WriteGate();
  readonly #observers = new Set<WriteObserver>();
  readonly #watches = new Set<SwitchingWatch>();
  #current: ServingStore;
  #previous: ServingStore | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    first: ServingStore,
    private readonly claim = UNDISPUTED,
  ) {
    this.#current = first;
  }

  /** The store that serves. */
  get current(): ServingStore {
    return this.#current;
  }

  get capabilities(): StorageCapabilities {
    return this.#current.storage.capabilities;
  }

  /** Holds back writes on behalf of a migration, and resolves when none is under way. Reads go on. */
  freeze(migration: string): Promise<void> {
    return this.#gate.close(migration);
  }

  /** Lets writes go on, against whatever store is the current one, where no other migration holds them back. */
  thaw(migration: string): void {
    this.#gate.open(migration);
  }

  /**
   * Makes another store with the same items the current one; only while frozen. Resolves when writes may go on: the
   * running watches have begun there, or know that they must yield `reset`. They must, too, where others may have written
   * to that store before. The one before serves the rest of the watches and the revisions that callers still hold, until
   * {@link retire} is called for it.
   */
  async switchTo(next: ServingStore, { othersWrite }: { readonly othersWrite: boolean }): Promise<void> {
    this.#previous = this.#current;
    this.#current = next;
    const watches = [...this.#watches];
    const begun = Promise.allSettled(watches.map((watch) => watch.goOnIn(next)));
    const over = new AbortController();
    const patience = pause(WATCHES_BEGIN_MS, undefined, { signal: over.signal });
    await Promise.race([begun, patience.catch(() => undefined)]);
    over.abort();
    for (const watch of watches) watch.writesGoOn(othersWrite);
  }

  /** Closes a store that serves no more. */
  async retire(store: ServingStore): Promise<void> {
    if (this.#previous === store) this.#previous = undefined;
    await store.close();
  }

  /** Tells of every write from now on. Returns what stops that. */
  observe(observer: WriteObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  create(given: NewItem): Promise<Revision> {
    const item = owned(given);
    return this.#revise(item.key, ({ storage }) => storage.create(item));
  }

  put(given: NewItem): Promise<Revision> {
    const item = owned(given);
    return this.#revise(item.key, ({ storage }) => storage.put(item));
  }

  update(given: NewItem, expected?: Revision): Promise<Revision> {
    const item = owned(given);
    return this.#revise(item.key, async (store) =>
      store.storage.update(item, await this.#translated(store, item.key, expected)),
    );
  }

  compareAndSwap(given: NewItem, expected: Revision): Promise<Revision> {
    const item = owned(given);
    return this.#revise(item.key, async (store) =>
      store.storage.compareAndSwap(item, await this.#translated(store, item.key, expected)),
    );
  }

  async get(key: string): Promise<Item> {
    const store = this.#current;
    try {
      return withTag(await store.storage.get(key), store.epoch);
    } finally {
      await this.#confirmRead(store);
    }
  }

  async *range(range: KeyRange, options?: { readonly signal?: AbortSignal }): AsyncIterable<Item> {
    const store = this.#current;
    let first = true;
    for await (const item of store.storage.range(range, options)) {
      if (first) await this.#confirmRead(store);
      first = false;
      yield withTag(item, store.epoch);
    }
    await this.#confirmRead(store);
  }

  delete(key: string, expected?: Revision): Promise<void> {
    return this.#write(key, async (store) =>
      store.storage.delete(key, await this.#translated(store, key, expected)),
    );
  }

  deleteRange(range: KeyRange): Promise<number> {
    return this.#write(range, ({ storage }) => storage.deleteRange(range));
  }

  keepAlive(key: string, expires: Date): Promise<Revision> {
    return this.#revise(key, ({ storage }) => storage.keepAlive(key, expires));
  }

  watch(prefixes: readonly string[], options: WatchOptions = {}): AsyncIterable<StorageEvent> {
    const watch = new SwitchingWatch(this.#current, prefixes, options, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    return watch.events();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#gate.end();
    for (const watch of this.#watches) watch.end();
    await this.claim.release();
    await Promise.all([this.#current.close(), this.#previous?.close()]);
  }

  /** What was read while the cluster moved was right when the call began. */
  #confirmRead(store: ServingStore): Promise<void> | void {
    return store === this.#current ? this.claim.confirmRead(store) : undefined;
  }

  async #revise(key: string, write: (store: ServingStore) => Promise<Revision>): Promise<Revision> {
    return this.#write(key, async (store) => tagged(store.epoch, await write(store)));
  }

  async #write<T>(touched: Touched, write: (store: ServingStore) => Promise<T>): Promise<T> {
    await this.#gate.enter();
    const store = this.#current;
    try {
      const result = await write(store);
      await this.claim.confirmWrite(store);
      return result;
    } finally {
      const held = [...this.#observers].map(async (observe) => observe(touched));
      this.#gate.leave();
      await Promise.all(held);
    }
  }

  /** The backend's own form of a revision. One from before the last move counts where the item is still the same. */
  async #translated<R extends Revision | undefined>(
    store: ServingStore,
    key: string,
    expected: R,
  ): Promise<R | Revision> {
    if (expected === undefined) return expected;
    const { epoch, value } = untagged(expected) ?? { epoch: -1, value: GONE };
    if (epoch === store.epoch) return value;
    const previous = this.#previous;
    if (previous?.epoch !== epoch) return GONE;
    const before = await found(previous.storage, key);
    const now = await found(store.storage, key);
    return now && before?.revision === value && alike(before, now) ? now.revision : GONE;
  }
}

/** A write may have to wait, and the caller may go on using its buffer. */
function owned(item: NewItem): NewItem {
  return { ...item, value: new Uint8Array(item.value) };
}

function withTag(item: Item, epoch: number): Item {
  return { ...item, revision: tagged(epoch, item.revision) };
}

async function found(storage: Storage, key: string): Promise<Item | undefined> {
  try {
    return await storage.get(key);
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}
