/** Tells meters what is asked of a backend and how that ends: the source of its metrics and of the log of slow operations. */
import {
  errorCode,
  type ErrorCode,
  type Item,
  type KeyRange,
  type NewItem,
  type Revision,
  type Storage,
  type StorageCapabilities,
  type StorageEvent,
  type WatchOptions,
} from "@teleport/plugin";

/** The verbs that are measured; a watch has a meter of its own. */
export type MeasuredVerb = Exclude<keyof Storage, "capabilities" | "watch" | "close">;

/** One operation that has ended. */
export interface StorageOperation {
  readonly verb: MeasuredVerb;
  /** The key, or where the range starts. It may hold names and secrets: keep it out of logs and labels. */
  readonly key: string;
  /** How long the backend took; of a range only the time that its reader waited. */
  readonly seconds: number;
  /** The code of the error; absent where it succeeded, or where the caller has lost interest. */
  readonly code?: ErrorCode | undefined;
}

/** Is told about the operations of one backend. Its methods must not throw. */
export interface StorageMeter {
  operation(operation: StorageOperation): void;
  /** A watch begins. */
  watch(): WatchMeter;
}

/** Is told how one watch goes on. */
export interface WatchMeter {
  /** Whether the watcher has an event that it is not done with. */
  busy(isBusy: boolean): void;
  /** The watcher has lost changes and must read everything again. */
  reset(): void;
  ended(): void;
}

/** What a caller asks for in vain without anything being wrong with the backend. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["not_found", "already_exists", "compare_failed", "limit_exceeded", "bad_parameter"] as const),
]);

/** Whether an operation that ended so says that the backend has failed. */
export function isBackendFailure(code: ErrorCode | undefined): boolean {
  return code !== undefined && !EXPECTED.has(code);
}

/** The same storage, whose operations the meters are told of. `now` counts milliseconds. */
export function measured(
  storage: Storage,
  meters: readonly StorageMeter[],
  now: () => number = () => performance.now(),
): Storage {
  return new MeasuredStorage(storage, meters, now);
}

class MeasuredStorage implements Storage {
  constructor(
    private readonly storage: Storage,
    private readonly meters: readonly StorageMeter[],
    private readonly now: () => number,
  ) {}

  get capabilities(): StorageCapabilities {
    return this.storage.capabilities;
  }

  create(item: NewItem): Promise<Revision> {
    return this.#measure("create", item.key, () => this.storage.create(item));
  }

  put(item: NewItem): Promise<Revision> {
    return this.#measure("put", item.key, () => this.storage.put(item));
  }

  update(item: NewItem, expected?: Revision): Promise<Revision> {
    return this.#measure("update", item.key, () => this.storage.update(item, expected));
  }

  compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    return this.#measure("compareAndSwap", item.key, () => this.storage.compareAndSwap(item, expected));
  }

  get(key: string): Promise<Item> {
    return this.#measure("get", key, () => this.storage.get(key));
  }

  async *range(range: KeyRange, options?: { readonly signal?: AbortSignal }): AsyncIterable<Item> {
    let waitedMs = 0;
    let since = this.now();
    let code: ErrorCode | undefined;
    try {
      for await (const item of this.storage.range(range, options)) {
        waitedMs += this.now() - since;
        yield item;
        since = this.now();
      }
      waitedMs += this.now() - since;
    } catch (error) {
      waitedMs += this.now() - since;
      if (!options?.signal?.aborted) code = errorCode(error);
      throw error;
    } finally {
      this.#tell({ verb: "range", key: range.start, seconds: waitedMs / 1000, code });
    }
  }

  delete(key: string, expected?: Revision): Promise<void> {
    return this.#measure("delete", key, () => this.storage.delete(key, expected));
  }

  deleteRange(range: KeyRange): Promise<number> {
    return this.#measure("deleteRange", range.start, () => this.storage.deleteRange(range));
  }

  keepAlive(key: string, expires: Date): Promise<Revision> {
    return this.#measure("keepAlive", key, () => this.storage.keepAlive(key, expires));
  }

  watch(prefixes: readonly string[], options?: WatchOptions): AsyncIterable<StorageEvent> {
    // Asked for at once: a watch is to see what is written right after this call.
    const events = this.storage.watch(prefixes, options);
    return this.#watched(events);
  }

  async *#watched(events: AsyncIterable<StorageEvent>): AsyncGenerator<StorageEvent> {
    const watches = this.meters.map((meter) => meter.watch());
    try {
      for await (const event of events) {
        if (event.type === "reset") watches.forEach((watch) => watch.reset());
        watches.forEach((watch) => watch.busy(true));
        yield event;
        watches.forEach((watch) => watch.busy(false));
      }
    } finally {
      watches.forEach((watch) => watch.ended());
    }
  }

  close(): Promise<void> {
    return this.storage.close();
  }

  async #measure<T>(verb: MeasuredVerb, key: string, operation: () => Promise<T>): Promise<T> {
    const started = this.now();
    let code: ErrorCode | undefined;
    try {
      return await operation();
    } catch (error) {
      code = errorCode(error);
      throw error;
    } finally {
      this.#tell({ verb, key, seconds: (this.now() - started) / 1000, code });
    }
  }

  #tell(operation: StorageOperation): void {
    for (const meter of this.meters) meter.operation(operation);
  }
}
