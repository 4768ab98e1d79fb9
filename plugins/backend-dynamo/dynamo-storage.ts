import {
  silentLogger,
  systemClock,
  unavailable,
  type Clock,
  type Item,
  type KeyRange,
  type Logger,
  type NewItem,
  type PluginMetrics,
  type Revision,
  type Storage,
  type StorageCapabilities,
  type StorageEvent,
  type WatchOptions,
} from "@teleport/plugin";
import { openClients, type AwsClients } from "./clients.js";
import { ExpirySweep } from "./expiry-sweep.js";
import { checkExpiry, checkItem, checkKey, MAX_KEY_BYTES, MAX_VALUE_BYTES } from "./item-limits.js";
import { eraseRange } from "./range-eraser.js";
import { Reader } from "./reader.js";
import { Requests } from "./requests.js";
import { expirySeconds, itemOf } from "./row.js";
import type { DynamoSettings } from "./settings.js";
import type { Change } from "./stream/change.js";
import { ChangeFeed } from "./stream/change-feed.js";
import { StreamApi } from "./stream/stream-api.js";
import { applyExtras } from "./table-extras.js";
import { Table } from "./table.js";
import { Writer } from "./writer.js";

/** How long writes that are under way may take to end at close. */
const CLOSE_GRACE_MS = 1500;

/** What a {@link DynamoStorage} needs; settings as `dynamoSettings` gives them. */
export interface DynamoStorageOptions {
  readonly settings: DynamoSettings;
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly metrics?: PluginMetrics | undefined;
}

interface Parts {
  readonly clients: AwsClients;
  readonly requests: Requests;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly sweep: ExpirySweep;
  readonly feed: ChangeFeed;
}

/** Storage in one DynamoDB table that several processes may use at once. Use it between `open` and `close`. */
export class DynamoStorage implements Storage {
  readonly capabilities: StorageCapabilities = {
    atomicWrite: false,
    ttl: "swept",
    ttlGranularityMs: 1000,
    watch: "poll",
    maxKeyBytes: MAX_KEY_BYTES,
    maxValueBytes: MAX_VALUE_BYTES,
  };
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  #opening: Promise<void> | undefined;
  #clients: AwsClients | undefined;
  #requests: Requests | undefined;
  #opened: Parts | undefined;
  #closed: Promise<void> | undefined;

  constructor(private readonly options: DynamoStorageOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLogger;
  }

  /** Makes or checks the table and finds the end of its stream. Throws `unavailable` or `bad_parameter`. */
  open(): Promise<void> {
    return (this.#opening ??= this.#openParts());
  }

  async #openParts(): Promise<void> {
    const { settings, metrics } = this.options;
    const clients = (this.#clients = await openClients(settings));
    const requests = (this.#requests = new Requests({
      table: settings.table,
      region: clients.region,
      clock: this.#clock,
      log: this.#log,
      metrics,
      retryPeriodMs: settings.retryPeriodMs,
    }));
    this.#closing.signal.throwIfAborted();
    const table = new Table(clients, requests, settings);
    await table.prepare();
    await applyExtras(settings, clients, requests);

    const sweep = new ExpirySweep(clients.tables, requests, this.#clock);
    const feed = new ChangeFeed({
      openStream: async () => new StreamApi(clients.streams, requests, await table.streamArn()),
      clock: this.#clock,
      log: this.#log,
      pollPeriodMs: settings.pollPeriodMs,
      retryPeriodMs: settings.retryPeriodMs,
      onChange: (change) => tell(sweep, change),
      signal: this.#closing.signal,
    });
    await feed.open();
    this.#closing.signal.throwIfAborted();
    const reader = new Reader(clients.tables, requests, this.#clock, (key, seconds) =>
      sweep.saw(key, seconds),
    );
    const writer = new Writer(clients.tables, requests, this.#clock);
    this.#opened = { clients, requests, reader, writer, sweep, feed };
    void sweep.run(this.#closing.signal);
  }

  async create(item: NewItem): Promise<Revision> {
    return this.#writeItem(item, (writer, copy) => writer.create(copy));
  }

  async put(item: NewItem): Promise<Revision> {
    return this.#writeItem(item, (writer, copy) => writer.put(copy));
  }

  async update(item: NewItem, expected?: Revision): Promise<Revision> {
    return this.#writeItem(item, (writer, copy) => writer.update(copy, expected));
  }

  async compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    return this.#writeItem(item, (writer, copy) => writer.compareAndSwap(copy, expected));
  }

  async get(key: string): Promise<Item> {
    checkKey(key);
    return this.#open.reader.get(key);
  }

  async *range(range: KeyRange, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Item> {
    options.signal?.throwIfAborted();
    for await (const rows of this.#open.reader.pages(range, options.signal)) {
      for (const row of rows) {
        options.signal?.throwIfAborted();
        const item = itemOf(row);
        if (item) {
          yield item;
        }
      }
    }
  }

  async delete(key: string, expected?: Revision): Promise<void> {
    checkKey(key);
    const { sweep } = this.#open;
    await this.#write((writer) => writer.delete(key, expected));
    sweep.gone(key);
  }

  async deleteRange(range: KeyRange): Promise<number> {
    const { reader, clients, requests } = this.#open;
    return this.#write(() => eraseRange(range, reader, clients.tables, requests));
  }

  async keepAlive(key: string, expires: Date): Promise<Revision> {
    checkKey(key);
    checkExpiry(expires);
    const { sweep } = this.#open;
    const revision = await this.#write((writer) => writer.keepAlive(key, expires));
    sweep.wrote(key, expirySeconds(expires));
    return revision;
  }

  watch(prefixes: readonly string[], options: WatchOptions = {}): AsyncIterable<StorageEvent> {
    const signals = [this.#closing.signal, ...(options.signal ? [options.signal] : [])];
    return this.#open.feed.watch([...prefixes], options.cursor, AbortSignal.any(signals));
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#closing.abort(unavailable("the storage is closed"));
    await this.#requests?.close(CLOSE_GRACE_MS);
    await this.#opening?.catch(() => undefined);
    this.#clients?.close();
  }

  get #open(): Parts {
    if (!this.#opened || this.#closing.signal.aborted) {
      throw unavailable(this.#opened ? "the storage is closed" : "the storage is not open yet");
    }
    return this.#opened;
  }

  /** Writes a copy of the item, since the caller may go on using the buffer. */
  async #writeItem(
    item: NewItem,
    write: (writer: Writer, copy: NewItem) => Promise<Revision>,
  ): Promise<Revision> {
    checkItem(item);
    const { sweep } = this.#open;
    const copy = { ...item, value: new Uint8Array(item.value) };
    const revision = await this.#write((writer) => write(writer, copy));
    sweep.wrote(copy.key, copy.expires && expirySeconds(copy.expires));
    return revision;
  }

  async #write<T>(write: (writer: Writer) => Promise<T>): Promise<T> {
    const { feed, writer } = this.#open;
    await feed.beforeWrite();
    const result = await write(writer);
    feed.afterWrite();
    return result;
  }
}

function tell(sweep: ExpirySweep, change: Change): void {
  if (change.type === "put") {
    const { key, expires } = change.item;
    sweep.saw(key, expires && expirySeconds(expires));
  } else {
    sweep.gone(change.key);
  }
}
