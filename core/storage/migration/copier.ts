import { setTimeout as pause } from "node:timers/promises";
import { hasCode, type Item, type KeyRange, type Revision, type Storage } from "@teleport/plugin";
import type { Touched } from "../switchable-storage.js";
import { clusterItems, compareStores, EVERYTHING } from "./compare.js";
import { STORE_KEYS } from "./records.js";

/** Writes to the target at one time: enough for group commit and for round trips, few enough for a throttled table. */
const IN_FLIGHT = 64;
/** How often one write to the target is tried, with pauses that double from the first one. */
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 50;

/** What a {@link Copier} works on. */
export interface CopierOptions {
  readonly source: Storage;
  readonly target: Storage;
  readonly nowMs: () => number;
  /** Aborted when the copy is to end. */
  readonly signal: AbortSignal;
}

/**
 * Copies a store that goes on changing. Keys that may have changed are noted, and read again from the source: so the
 * target comes to hold what the source holds, in whatever order the notes arrive and however often.
 */
export class Copier {
  readonly #dirtyKeys = new Set<string>();
  #dirtyRanges: KeyRange[] = [];
  /** The source's revision of each item as it was copied; it tells apart what a watch reports of what is copied already. */
  readonly #copied = new Map<string, Revision>();
  #writes = 0;
  #bytes = 0;
  #limit = Infinity;
  #waiting: (() => void)[] = [];

  constructor(private readonly options: CopierOptions) {}

  /** Items written to the target so far. */
  get writes(): number {
    return this.#writes;
  }

  /** Bytes of values written to the target so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keys and ranges that may have changed since they were copied. */
  get pending(): number {
    return this.#dirtyKeys.size + this.#dirtyRanges.length;
  }

  /** Slows down writers as soon as more than `limit` is {@link pending}: whoever notes then has to wait. */
  limit(limit: number): void {
    this.#limit = limit;
    this.#admit();
  }

  /** Notes that something may have changed. The promise, if any, resolves when there is room for more. */
  note(touched: Touched): Promise<void> | void {
    if (typeof touched !== "string") this.#dirtyRanges.push(touched);
    else if (!touched.startsWith(STORE_KEYS)) this.#dirtyKeys.add(touched);
    if (this.pending > this.#limit) return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Notes what a watch of the source reports, also of writers that are not seen otherwise, until the signal ends it. */
  async follow(events: ReturnType<Storage["watch"]>, seen: (event: Item) => void): Promise<void> {
    for await (const event of events) {
      if (event.type === "put") {
        if (this.#copied.get(event.item.key) !== event.item.revision) void this.note(event.item.key);
        seen(event.item);
      } else if (event.type === "delete") {
        void this.note(event.key);
      } else if (event.type === "reset") {
        void this.note(EVERYTHING);
      }
    }
  }

  /** Copies every item. What changes meanwhile must be noted. */
  async copyAll(): Promise<void> {
    const { source, signal, nowMs } = this.options;
    await this.#inParallel(clusterItems(source, { signal, nowMs: nowMs() }), (item) => this.#put(item));
  }

  /** Copies what is pending now; more may be pending afterwards. */
  async catchUp(): Promise<void> {
    const { source, target, nowMs, signal } = this.options;
    const keys = [...this.#dirtyKeys];
    this.#dirtyKeys.clear();
    for (const range of this.#dirtyRanges.splice(0)) {
      const { differing } = await compareStores(source, target, { range, nowMs: nowMs(), signal });
      keys.push(...differing);
    }
    this.#admit();
    await this.#inParallel(new Set(keys), (key) => this.#copy(key));
  }

  #admit(): void {
    if (this.pending <= this.#limit) for (const admit of this.#waiting.splice(0)) admit();
  }

  async #copy(key: string): Promise<void> {
    let item: Item;
    try {
      item = await this.#persistent(() => this.options.source.get(key));
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
      await this.#remove(key);
      return;
    }
    await this.#put(item);
  }

  async #put(item: Item): Promise<void> {
    const { key, value, expires, revision } = item;
    if (expires && expires.getTime() <= this.options.nowMs()) return this.#remove(key);
    await this.#persistent(() => this.options.target.put({ key, value, ...(expires && { expires }) }));
    this.#copied.set(key, revision);
    this.#writes++;
    this.#bytes += value.length;
  }

  async #remove(key: string): Promise<void> {
    this.#copied.delete(key);
    await this.#persistent(async () => {
      try {
        await this.options.target.delete(key);
      } catch (error) {
        if (!hasCode(error, "not_found")) throw error;
      }
    });
  }

  async #persistent<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await attempt();
      } catch (error) {
        if (!hasCode(error, "unavailable") || tried === ATTEMPTS) throw error;
        const { signal } = this.options;
        await pause(FIRST_PAUSE_MS * 2 ** tried * (0.5 + Math.random() / 2), undefined, { signal });
      }
    }
  }

  /** Works on several at a time. The first failure ends all, and is thrown. */
  async #inParallel<T>(
    source: AsyncIterable<T> | Iterable<T>,
    work: (entry: T) => Promise<void>,
  ): Promise<void> {
    const running = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    for await (const entry of source) {
      this.options.signal.throwIfAborted();
      if (failure) break;
      const done: Promise<void> = work(entry)
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => running.delete(done));
      running.add(done);
      if (running.size >= IN_FLIGHT) await Promise.race(running);
    }
    await Promise.all(running);
    if (failure) throw failure.error;
  }
}
