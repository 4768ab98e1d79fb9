import {
  errorChain,
  notImplemented,
  silentLogger,
  systemClock,
  unavailable,
  type Clock,
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
import { ChangeFeed } from "./change-feed.js";
import { prepareDatabaseFile } from "./database-file.js";
import { storageFailure } from "./failure.js";
import { checkExpiry, checkItem, checkKey, MAX_KEY_BYTES, MAX_VALUE_BYTES } from "./item-limits.js";
import { pagedItems } from "./paged-items.js";
import { Reader } from "./reader.js";
import type { SyncMode } from "./settings.js";
import { watchWrites } from "./wake-ups.js";
import { Writer, type SpawnWriter } from "./writer.js";
import type { WriteRequest } from "./write-request.js";

/** How often expired items are removed. */
const SWEEP_MS = 1000;
/** How long a change can be read back by a watch that resumes; as in 4.2. */
const HISTORY_MS = 10 * 60_000;
const PURGE_MS = 60_000;

/** What a {@link DirStorage} needs; only `directory` is required. */
export interface DirStorageOptions {
  /** Absolute; holds `sqlite.db`. Created with mode 0700. */
  readonly directory: string;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** FULL when absent. */
  readonly sync?: SyncMode;
  /** How long a lock of another process is waited for; 10 s when absent. */
  readonly busyTimeoutMs?: number;
  /** How often changes of other processes are looked for where no hint of them arrives; 1 s when absent. */
  readonly pollPeriodMs?: number;
  /** How many changes are kept in memory for watches; 1024 when absent. */
  readonly bufferSize?: number;
  /** Whether changes are recorded for watches; true when absent. Without them, `watch` throws. */
  readonly events?: boolean;
  /** Starts the writer thread: for tests that break it. */
  readonly spawnWriter?: SpawnWriter;
}

/** Opens (or creates) the storage in a directory. */
export async function openDirStorage(options: DirStorageOptions): Promise<Storage> {
  const storage = new DirStorage(options);
  await storage.open();
  return storage;
}

interface Parts {
  readonly writer: Writer;
  readonly reader: Reader;
  readonly feed: ChangeFeed;
  readonly stopWakeUps: () => void;
}

/** Storage in one SQLite file that several processes may use at once. Use it between `open` and `close`. */
export class DirStorage implements Storage {
  readonly capabilities: StorageCapabilities = {
    atomicWrite: false,
    ttl: "swept",
    ttlGranularityMs: 1,
    watch: "push",
    maxKeyBytes: MAX_KEY_BYTES,
    maxValueBytes: MAX_VALUE_BYTES,
  };
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  #opening: Promise<Parts> | undefined;
  #opened: Parts | undefined;
  #closed: Promise<void> | undefined;

  constructor(private readonly options: DirStorageOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLogger;
  }

  /** Opens the database. Throws `unavailable`, `corrupt` or, for a directory of another user, `bad_parameter`. */
  async open(): Promise<void> {
    this.#opening ??= this.#openParts();
    this.#opened = await this.#opening;
    this.#every(SWEEP_MS, () => this.#sweep());
    if (this.options.events !== false) {
      this.#every(this.options.pollPeriodMs ?? 1000, async () => this.#open.feed.wake());
      this.#every(PURGE_MS, () => this.#purge());
    }
  }

  async #openParts(): Promise<Parts> {
    const {
      directory,
      sync = "FULL",
      busyTimeoutMs = 10_000,
      bufferSize = 1024,
      events = true,
    } = this.options;
    const file = await prepareDatabaseFile(directory, this.#log);
    const onCommit = (): void => this.#opened?.feed.wake();
    const writer = new Writer(
      { file, sync, busyTimeoutMs, events },
      onCommit,
      this.#log,
      this.options.spawnWriter,
    );
    await writer.open();
    let reader: Reader;
    try {
      reader = new Reader(file, busyTimeoutMs);
    } catch (error) {
      await writer.close();
      throw storageFailure(error, file);
    }
    const feed = new ChangeFeed(reader, bufferSize, this.#log);
    const stopWakeUps = events ? watchWrites(file, () => feed.wake(), this.#log) : (): void => undefined;
    return { writer, reader, feed, stopWakeUps };
  }

  async create(item: NewItem): Promise<Revision> {
    return this.#write({ verb: "create", ...this.#stored(item) });
  }

  async put(item: NewItem): Promise<Revision> {
    return this.#write({ verb: "put", ...this.#stored(item) });
  }

  async update(item: NewItem, expected?: Revision): Promise<Revision> {
    return this.#write({
      verb: "update",
      ...this.#stored(item),
      ...(expected !== undefined && { expected }),
    });
  }

  async compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    return this.#write({ verb: "compareAndSwap", ...this.#stored(item), expected });
  }

  async get(key: string): Promise<Item> {
    return this.#open.reader.get(key, this.#nowMs);
  }

  range(range: KeyRange, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Item> {
    return pagedItems((behind) => this.#open.reader.page(range, this.#nowMs, behind), options.signal);
  }

  async delete(key: string, expected?: Revision): Promise<void> {
    await this.#submit({
      verb: "delete",
      key,
      nowMs: this.#nowMs,
      ...(expected !== undefined && { expected }),
    });
  }

  async deleteRange({ start, end }: KeyRange): Promise<number> {
    return this.#submit({ verb: "deleteRange", start, end, nowMs: this.#nowMs });
  }

  async keepAlive(key: string, expires: Date): Promise<Revision> {
    checkExpiry(expires);
    return this.#write({ verb: "keepAlive", key, expiresMs: expires.getTime(), nowMs: this.#nowMs });
  }

  watch(prefixes: readonly string[], options: WatchOptions = {}): AsyncIterable<StorageEvent> {
    if (this.options.events === false) {
      throw notImplemented("this storage records no changes to watch");
    }
    const signals = [this.#closing.signal, ...(options.signal ? [options.signal] : [])];
    return this.#open.feed.watch([...prefixes], options.cursor, AbortSignal.any(signals));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort(unavailable("the storage is closed"));
    const parts = await this.#opening?.catch(() => undefined);
    parts?.stopWakeUps();
    await parts?.writer.drain();
    // Before the writer's connection: the last one to close folds the write-ahead log into the file.
    parts?.reader.close();
    await parts?.writer.close();
  }

  get #open(): Parts {
    if (!this.#opened || this.#closing.signal.aborted) {
      throw unavailable(this.#opened ? "the storage is closed" : "the storage is not open yet");
    }
    return this.#opened;
  }

  get #nowMs(): number {
    return this.#clock.now().getTime();
  }

  /** The item as the writer gets it: a copy of its own, since the caller may go on using the buffer. */
  #stored(item: NewItem): { key: string; value: Uint8Array; expiresMs?: number; nowMs: number } {
    checkItem(item);
    const { key, value, expires } = item;
    return {
      key,
      value: new Uint8Array(value),
      nowMs: this.#nowMs,
      ...(expires && { expiresMs: expires.getTime() }),
    };
  }

  async #write(request: WriteRequest & { readonly key: string }): Promise<Revision> {
    checkKey(request.key);
    const result = await this.#open.writer.submit(request);
    return "revision" in result ? result.revision : "";
  }

  async #submit(request: WriteRequest): Promise<number> {
    const result = await this.#open.writer.submit(request);
    return "count" in result ? result.count : 0;
  }

  async #sweep(): Promise<void> {
    while (await this.#open.reader.hasExpired(this.#nowMs)) {
      await this.#submit({ verb: "sweep", nowMs: this.#nowMs });
    }
  }

  async #purge(): Promise<void> {
    const untilMs = this.#nowMs - HISTORY_MS;
    if (await this.#open.reader.hasChangesBefore(untilMs)) {
      await this.#submit({ verb: "purge", untilMs, nowMs: this.#nowMs });
    }
  }

  /** Repeats a task for as long as the storage is open; a failure is logged and the next round tries again. */
  #every(periodMs: number, task: () => Promise<void>): void {
    const signal = this.#closing.signal;
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        await this.#clock.sleep(periodMs, signal).catch(() => undefined);
        if (!signal.aborted) {
          await task().catch((error: unknown) => {
            if (!signal.aborted) {
              this.#log.warn("upkeep of the storage failed; trying again", { error: errorChain(error) });
            }
          });
        }
      }
    };
    void run();
  }
}
