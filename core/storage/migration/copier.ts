import { setTimeout as pause } from "node:timers/promises";
import {
  hasCode,
  unavailable,
  type Item,
  type KeyRange,
  type Revision,
  type Storage,
} from "@teleport/plugin";
import type { Touched } from "../switchable-storage.js";
import { clusterItems, compareStores, EVERYTHING } from "./compare.js";
import { STORE_KEYS } from "./records.js";
import { WritePace } from "./write-pace.js";

/** Writes to the target at one time: enough for group commit and for round trips, few enough for a throttled table. */
const IN_FLIGHT = 64;
/** How often one write to the target is tried, with pauses that double from the first one. */
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 50;

/** How often is looked whether what is left gets less. */
const PROGRESS_MS = 250;
/** So often it may have got no less than it was, before the copy is known never to catch up. */
const STALLED_ROUNDS = 240;

/** What a {@link Copier} works on. */
export interface CopierOptions {
  readonly source: Storage;
  readonly target: Storage;
  readonly nowMs: () => number;
  /** Aborted when the copy is to end. */
  readonly signal: AbortSignal;
  /** Throws where the target must not be written any more; asked right before each write. */
  readonly assertLed: () => void;
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
  /** Copies of noted keys that are under way; a key is never copied twice at a time, or the older copy could win. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #pace = new WritePace();

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

  /** Notes that something may have changed. The promise, if any, is what the writer has to wait for. */
  note(touched: Touched): Promise<void> | void {
    if (typeof touched !== "string") this.#dirtyRanges.push(touched);
    else if (!touched.startsWith(STORE_KEYS)) this.#dirtyKeys.add(touched);
    return this.#pace.turn();
  }

  /**
   * Notes what a watch of the source reports, also of writers that are not seen otherwise, until the signal ends it.
   * `begun` is called when nothing is missed from then on.
   */
  async follow(
    events: ReturnType<Storage["watch"]>,
    { begun, seen }: { readonly begun: () => void; readonly seen: (item: Item) => void },
  ): Promise<void> {
    for await (const event of events) {
      if (event.type === "init") begun();
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

  /**
   * Copies what is pending and what is noted meanwhile, until no more than `goal` is left. Writers that are faster than
   * the target are slowed down. Throws `unavailable` where all that does not help.
   */
  async catchUp(goal: number): Promise<void> {
    const progress = this.#watchProgress();
    try {
      while (this.pending > goal) {
        await this.#spreadRanges();
        const workers = Array.from({ length: IN_FLIGHT }, () => this.#work(goal, progress.signal));
        const outcomes = await Promise.allSettled(workers);
        const failed = outcomes.find((outcome) => outcome.status === "rejected");
        if (failed) throw failed.reason as Error;
      }
    } finally {
      progress.stop();
      this.#pace.letGo();
    }
  }

  async #work(goal: number, signal: AbortSignal): Promise<void> {
    while (this.pending > goal) {
      signal.throwIfAborted();
      const [key] = this.#dirtyKeys;
      if (key === undefined) return;
      this.#dirtyKeys.delete(key);
      const before = this.#underWay.get(key);
      const copied = (async () => {
        await before;
        await this.#copy(key);
      })();
      this.#underWay.set(key, copied);
      try {
        await copied;
      } finally {
        if (this.#underWay.get(key) === copied) this.#underWay.delete(key);
      }
      this.#pace.copied();
    }
  }

  /** Finds out which keys of noted ranges differ. */
  async #spreadRanges(): Promise<void> {
    const { source, target, nowMs, signal } = this.options;
    for (const range of this.#dirtyRanges.splice(0)) {
      const { differing } = await compareStores(source, target, { range, nowMs: nowMs(), signal });
      for (const key of differing) this.#dirtyKeys.add(key);
    }
  }

  /** Slows writers down when what is left does not get less, and gives up when that has not helped for long. */
  #watchProgress(): { readonly signal: AbortSignal; stop(): void } {
    const stalled = new AbortController();
    let least = this.pending;
    let rounds = 0;
    const timer = setInterval(() => {
      const falls = this.pending < least * 0.7;
      if (this.pending < least) rounds = 0;
      least = Math.min(least, this.pending);
      if (!falls) this.#pace.slowDown();
      if (++rounds > STALLED_ROUNDS) {
        stalled.abort(unavailable("the target takes writes more slowly than other auth servers make them"));
      }
    }, PROGRESS_MS);
    timer.unref();
    const signal = AbortSignal.any([this.options.signal, stalled.signal]);
    return { signal, stop: () => clearInterval(timer) };
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
    await this.#persistent(() => {
      this.options.assertLed();
      return this.options.target.put({ key, value, ...(expires && { expires }) });
    });
    this.#copied.set(key, revision);
    this.#writes++;
    this.#bytes += value.length;
  }

  async #remove(key: string): Promise<void> {
    this.#copied.delete(key);
    await this.#persistent(async () => {
      this.options.assertLed();
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

  /** Works on several at a time. The first failure ends all, and is thrown once nothing is under way any more. */
  async #inParallel<T>(
    source: AsyncIterable<T> | Iterable<T>,
    work: (entry: T) => Promise<void>,
  ): Promise<void> {
    const running = new Set<Promise<void>>();
    let failure: { readonly error: unknown } | undefined;
    try {
      for await (const entry of source) {
        this.options.signal.throwIfAborted();
        if (failure) break;
        const done: Promise<void> = work(entry)
          .catch((error: unknown) => void (failure ??= { error }))
          .finally(() => running.delete(done));
        running.add(done);
        if (running.size >= IN_FLIGHT) await Promise.race(running);
      }
    } finally {
      await Promise.all(running);
    }
    if (failure) throw failure.error;
  }
}
