/**
 * A storage that goes on answering while its backend is away: what services decide by is kept in memory, fed by one
 * watch, and read from there when the backend fails. While it answers, every read is the backend's own.
 */
import {
  hasCode,
  notFound,
  type Clock,
  type Cursor,
  type Item,
  type KeyRange,
  type Logger,
  type NewItem,
  type Revision,
  type Storage,
  type StorageCapabilities,
  type StorageEvent,
  type WatchOptions,
} from "@teleport/plugin";
import { setImmediate as turn } from "node:timers/promises";
import { PendingReads } from "./pending-reads.js";
import { ReplicaContent, type KeyTest } from "./replica-content.js";
import { ReplicaFeed } from "./replica-feed.js";
import { HealthWatch, type StorageHealth } from "./storage-health.js";

/** A read that takes longer is taken for the sign of a backend that is away. */
const PATIENCE_MS = 3_000;
/** Items that a range hands out before the event loop gets its turn. */
const ITEMS_PER_TURN = 256;
const NEVER = new AbortController().signal;

/** What a replica holds. Everything else fails while the backend is away. */
export interface ReplicaScope {
  /** Prefixes that are scanned and watched. */
  readonly prefixes: readonly string[];
  /** The keys below the prefixes that are held. What may be used only once must not be among them. */
  readonly holds: KeyTest;
  /** Ranges that may be read from the replica: what is not held must not look absent. */
  readonly lists: (range: KeyRange) => boolean;
  /** Keys whose items do not expire while the backend is away, since nobody could renew them. */
  readonly outlives: KeyTest;
  /** Read to see whether the backend answers. */
  readonly probe: string;
}

/** What {@link createReplicatedStorage} needs besides the backend. */
export interface ReplicaOptions {
  readonly scope: ReplicaScope;
  readonly clock: Clock;
  readonly log: Logger;
  /** 3 s when absent. */
  readonly patienceMs?: number;
}

/** The storage with its health. */
export interface ReplicatedStorage extends Storage {
  readonly health: StorageHealth;
}

/** Wraps a running backend, which it then owns. It is filled in the background. */
export function createReplicatedStorage(storage: Storage, options: ReplicaOptions): ReplicatedStorage {
  return new Replica(storage, options);
}

class Replica implements ReplicatedStorage {
  readonly #storage: Storage;
  readonly #options: ReplicaOptions;
  readonly #content: ReplicaContent;
  readonly #feed: ReplicaFeed;
  readonly #health: HealthWatch;
  readonly #reads: PendingReads;
  #closed = false;

  constructor(storage: Storage, options: ReplicaOptions) {
    const { scope, clock, log, patienceMs = PATIENCE_MS } = options;
    this.#storage = storage;
    this.#options = options;
    this.#content = new ReplicaContent(scope.holds);
    this.#feed = new ReplicaFeed({
      ...{ storage, clock, log },
      prefixes: scope.prefixes,
      content: this.#content,
      onFailure: () => void this.#health.suspect(),
    });
    this.#health = new HealthWatch({
      ...{ clock, log, patienceMs },
      look: () => storage.get(scope.probe),
      brokenSince: () => this.#feed.brokenSince,
      onAway: () => this.#reads.failAll(this.#health.error()),
    });
    this.#reads = new PendingReads({ patienceMs, clock, onSilence: () => void this.#health.suspect() });
    this.#feed.start();
    this.#health.start();
  }

  get health(): StorageHealth {
    return this.#health;
  }

  get capabilities(): StorageCapabilities {
    return this.#storage.capabilities;
  }

  create(item: NewItem): Promise<Revision> {
    return this.#write(item, () => this.#storage.create(item));
  }

  put(item: NewItem): Promise<Revision> {
    return this.#write(item, () => this.#storage.put(item));
  }

  update(item: NewItem, expected?: Revision): Promise<Revision> {
    return this.#write(item, () => this.#storage.update(item, expected));
  }

  compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    return this.#write(item, () => this.#storage.compareAndSwap(item, expected));
  }

  async get(key: string): Promise<Item> {
    if (!this.#isAway) {
      try {
        return await this.#reads.wait(this.#storage.get(key));
      } catch (error) {
        if (!(await this.#isAbsence(error)) || !this.#answersFor(key)) throw error;
      }
    }
    if (!this.#answersFor(key)) throw this.#health.error();
    const item = this.#content.get(key, this.#isAlive);
    if (item === undefined) throw notFound(`${key} is not found`);
    return copy(item);
  }

  async *range(range: KeyRange, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Item> {
    let last: string | undefined;
    if (!this.#isAway) {
      const items = this.#storage.range(range, options)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await this.#reads.wait(items.next());
          if (next.done === true) return;
          last = next.value.key;
          yield next.value;
        }
      } catch (error) {
        // What was read so far is of the backend; the rest of one list must not be of another moment.
        if (last !== undefined || !(await this.#isAbsence(error)) || !this.#covers(range)) throw error;
      } finally {
        void items.return?.();
      }
    }
    if (!this.#covers(range)) throw this.#health.error();
    let count = 0;
    for (const item of this.#content.range(range, this.#isAlive)) {
      options.signal?.throwIfAborted();
      if (++count % ITEMS_PER_TURN === 0) await turn();
      yield copy(item);
    }
  }

  async delete(key: string, expected?: Revision): Promise<void> {
    const writing = this.#content.writing(key);
    await this.#change(() => this.#storage.delete(key, expected)).then(
      () => writing.done(() => undefined),
      (error: unknown) => {
        writing.done();
        throw error;
      },
    );
  }

  async deleteRange(range: KeyRange): Promise<number> {
    const count = await this.#change(() => this.#storage.deleteRange(range));
    this.#content.removed(range);
    return count;
  }

  async keepAlive(key: string, expires: Date): Promise<Revision> {
    const writing = this.#content.writing(key);
    try {
      const revision = await this.#change(() => this.#storage.keepAlive(key, expires));
      writing.done((before) => before && { ...before, expires, revision });
      return revision;
    } catch (error) {
      writing.done();
      throw error;
    }
  }

  /**
   * As the contract says; while the backend is away it yields nothing, and then goes on where it stopped. A watch that
   * begins meanwhile starts at what the replica holds, so that reads and changes fit together.
   */
  watch(prefixes: readonly string[], options: WatchOptions = {}): AsyncIterable<StorageEvent> {
    // Opened here and not at the first `next`, so that a write right after this call is seen.
    const first = this.#isAway ? undefined : this.#storage.watch(prefixes, options);
    return this.#changes(prefixes, options, first);
  }

  async *#changes(
    prefixes: readonly string[],
    { cursor, signal = NEVER }: WatchOptions,
    first: AsyncIterable<StorageEvent> | undefined,
  ): AsyncGenerator<StorageEvent> {
    let begun = false;
    for (let events = first; !signal.aborted && !this.#closed; events = undefined) {
      if (!events && this.#isAway) {
        if (!begun) {
          const start: Cursor | undefined = cursor ?? this.#feed.cursor;
          if (start === undefined || !prefixes.every((prefix) => this.#isBelow(prefix))) {
            throw this.#health.error();
          }
          cursor = start;
          begun = true;
          yield { type: "init", cursor: start };
        }
        await this.#health.changed(signal);
        continue;
      }
      try {
        for await (const event of events ?? this.#storage.watch(prefixes, { cursor, signal })) {
          cursor = event.cursor;
          if (event.type !== "init" || !begun) yield event;
          begun = true;
        }
        return;
      } catch (error) {
        if (!(await this.#isAbsence(error))) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#health.stop();
    this.#feed.stop();
    await this.#storage.close();
  }

  get #isAway(): boolean {
    return this.#health.staleSince() !== undefined;
  }

  async #write(item: NewItem, write: () => Promise<Revision>): Promise<Revision> {
    const { key, expires } = item;
    const value = new Uint8Array(item.value);
    const writing = this.#content.writing(key);
    try {
      const revision = await this.#change(write);
      writing.done(() => ({ key, value, revision, ...(expires && { expires }) }));
      return revision;
    } catch (error) {
      writing.done();
      throw error;
    }
  }

  async #change<T>(change: () => Promise<T>): Promise<T> {
    if (this.#isAway) throw this.#health.error();
    try {
      return await change();
    } catch (error) {
      // Whether it was made or not is the backend's to say: the error stays as it is.
      if (hasCode(error, "unavailable")) void this.#health.suspect();
      throw error;
    }
  }

  /** Whether a failure means that the backend is away, by a second look at it. */
  async #isAbsence(error: unknown): Promise<boolean> {
    if (!hasCode(error, "unavailable")) return false;
    if (!this.#isAway) await this.#health.suspect();
    return this.#isAway;
  }

  #answersFor(key: string): boolean {
    return this.#feed.cursor !== undefined && this.#isBelow(key) && this.#options.scope.holds(key);
  }

  #isBelow(key: string): boolean {
    return this.#options.scope.prefixes.some((prefix) => key.startsWith(prefix));
  }

  #covers(range: KeyRange): boolean {
    return this.#feed.cursor !== undefined && this.#options.scope.lists(range);
  }

  readonly #isAlive = ({ key, expires }: Item): boolean =>
    expires === undefined ||
    expires > (this.#options.scope.outlives(key) ? this.#lastKnown() : this.#options.clock.now());

  #lastKnown(): Date {
    return this.#health.staleSince() ?? this.#options.clock.now();
  }
}

/** Callers own what they get. */
function copy(item: Item): Item {
  return { ...item, value: new Uint8Array(item.value) };
}
