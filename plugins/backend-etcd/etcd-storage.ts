import { setMaxListeners } from "node:events";
import {
  alreadyExists,
  badParameter,
  compareFailed,
  notFound,
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
import type { ICompare, IRequestOp } from "etcd3";
import { Access } from "./access.js";
import { ChangeStream } from "./change-stream.js";
import { Cluster } from "./cluster.js";
import { expirySecond } from "./expiry-lease.js";
import { storageError } from "./failure.js";
import { ItemReader, type Stored } from "./item-reader.js";
import { KeySpace, MAX_KEY_BYTES } from "./key-space.js";
import { LeaseBook } from "./lease-book.js";
import { LeaseExpiry } from "./lease-expiry.js";
import { formatRevision, parseRevision, type KnownRevision } from "./position.js";
import { refuseForeignPrefix } from "./prefix-check.js";
import type { EtcdSettings } from "./settings.js";
import { RangeItems } from "./range-items.js";
import { encodeValue, MAX_VALUE_BYTES } from "./value-text.js";
import { Writer, type Leased, type Write, type Written } from "./writer.js";

/** How long writes under way have at the end. */
const DRAIN_MS = 3000;
const GOODBYE_MS = 1000;

/** What an {@link EtcdStorage} needs. */
export interface EtcdStorageOptions extends EtcdSettings {
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** Opens the storage in an etcd cluster. Throws as {@link EtcdStorage.open}. */
export async function openEtcdStorage(options: EtcdStorageOptions): Promise<Storage> {
  const storage = new EtcdStorage(options);
  try {
    await storage.open();
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/**
 * Storage in etcd, in the layout of 4.2: values in base64 below a prefix, expiry by leases. Reads are linearizable. Use
 * it between `open` and `close`.
 */
export class EtcdStorage implements Storage {
  readonly capabilities: StorageCapabilities = {
    atomicWrite: true,
    ttl: "native",
    ttlGranularityMs: 1000,
    watch: "push",
    maxKeyBytes: MAX_KEY_BYTES,
    maxValueBytes: MAX_VALUE_BYTES,
  };
  readonly #closing = new AbortController();
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #access: Access;
  readonly #keys: KeySpace;
  readonly #cluster: Cluster;
  readonly #writer: Writer;
  readonly #leases: LeaseBook;
  readonly #expiry: LeaseExpiry;
  readonly #reader: ItemReader;
  /** Watches that are about to learn where they start: writes wait for them, so that they see these writes. */
  readonly #starting = new Set<Promise<unknown>>();
  /** Ends watches; earlier than the rest, which finishes writes. */
  readonly #ending = new AbortController();
  #opened = false;
  #closed: Promise<void> | undefined;

  constructor(private readonly options: EtcdStorageOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? silentLogger;
    const closed = this.#closing.signal;
    // Every call and watch listens to them.
    setMaxListeners(0, closed, this.#ending.signal);
    this.#access = new Access(options, this.#log);
    this.#keys = new KeySpace(options.prefix);
    const probe = Buffer.from(`${options.prefix}/cluster_configuration/name`);
    this.#cluster = new Cluster(options.peers, this.#access, probe, this.#clock, this.#log, closed);
    this.#writer = new Writer(this.#cluster, options.prefix, this.#clock, this.#log, closed);
    this.#leases = new LeaseBook(this.#cluster, this.#clock);
    this.#expiry = new LeaseExpiry(this.#cluster, this.#clock);
    this.#reader = new ItemReader(this.#cluster, this.#keys, this.#expiry, this.#clock);
  }

  /**
   * Connects and checks that the prefix is the right one. Throws `unavailable` that names every peer with its cause, or
   * `bad_parameter` for files that cannot be used and for a prefix that hides a cluster.
   */
  async open(): Promise<void> {
    const { peers, username, prefix, dialTimeoutMs } = this.options;
    if (username !== undefined && peers.some(({ tls }) => !tls)) {
      this.#log.warn("the password for etcd crosses the network in clear text: use https:// peers");
    }
    await this.#access.load();
    await this.#cluster.connect(dialTimeoutMs);
    await this.#mapped(async () => {
      await refuseForeignPrefix(this.#cluster, this.#keys, prefix);
      await this.#writer.open();
    });
    this.#opened = true;
    void this.#access.follow(() => this.#cluster.renew(), this.#clock, this.#closing.signal);
  }

  async create(item: NewItem): Promise<Revision> {
    const key = this.#keys.encode(item.key);
    const store = this.#storing(item, key);
    let absent: ICompare = { key, target: "Version", result: "Equal", version: "0" };
    for (;;) {
      const written = await this.#write(store, [absent], [{ request_range: { key } }]);
      if (written.succeeded) return this.#revision(written);
      const kv = written.responses[0]?.response_range.kvs[0];
      if (await this.#mapped(() => this.#reader.live(kv))) {
        throw alreadyExists(`${item.key} already exists`);
      }
      // What has expired and is still there is replaced as it is now.
      absent = kv
        ? { key, target: "Mod", result: "Equal", mod_revision: kv.mod_revision }
        : { key, target: "Version", result: "Equal", version: "0" };
    }
  }

  async put(item: NewItem): Promise<Revision> {
    const key = this.#keys.encode(item.key);
    const { ops, second, bytes } = this.#storing(item, key);
    this.#check();
    const prepare = async (): Promise<Leased> => {
      await this.#watchesStarted();
      return ops();
    };
    const leaseLost = (): void => this.#forgetLease(second);
    const put = { id: key.toString("latin1"), bytes, prepare, leaseLost };
    const { revision, lease } = await this.#mapped(() => this.#writer.put(put));
    return formatRevision(this.#id, String(revision), lease);
  }

  async update(item: NewItem, expected?: Revision): Promise<Revision> {
    const key = this.#keys.encode(item.key);
    const store = this.#storing(item, key);
    return this.#onLive(item.key, key, expected, () => store);
  }

  async compareAndSwap(item: NewItem, expected: Revision): Promise<Revision> {
    const key = this.#keys.encode(item.key);
    const store = this.#storing(item, key);
    this.#check();
    const known = parseRevision(this.#id, expected);
    if (known && !(await this.#hasExpired(known))) {
      const written = await this.#write(store, [isAt(key, known.mod)], []);
      if (written.succeeded) return this.#revision(written);
    }
    throw compareFailed(`${item.key} has changed`);
  }

  async get(key: string): Promise<Item> {
    this.#check();
    const etcdKey = this.#keys.encode(key);
    const stored = await this.#mapped(() => this.#reader.stored(etcdKey));
    if (!stored) throw notFound(`${key} is not found`);
    return this.#reader.item(stored);
  }

  range(range: KeyRange, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Item> {
    const pages = (): AsyncIterable<Item[]> => {
      this.#check();
      const bounds = this.#keys.range(range);
      return bounds ? this.#reader.pages(bounds) : nothing();
    };
    return new RangeItems(pages, options.signal);
  }

  async delete(key: string, expected?: Revision): Promise<void> {
    const etcdKey = this.#keys.encode(key);
    const remove: Operation = { ops: () => ({ ops: [removal(etcdKey)], lease: "0" }) };
    await this.#onLive(key, etcdKey, expected, () => remove);
  }

  async deleteRange(range: KeyRange): Promise<number> {
    this.#check();
    const bounds = this.#keys.range(range);
    if (!bounds) return 0;
    const { start: key, end: range_end } = bounds;
    const list = { key, range_end, keys_only: true };
    const ops = [{ request_range: list }, { request_delete_range: { key, range_end } }];
    const written = await this.#write({ ops: () => ({ ops, lease: "0" }) }, [], []);
    if (!written.succeeded) return 0;
    return this.#mapped(async () => {
      if (written.responses) {
        return this.#reader.countLive(written.responses[0]?.response_range.kvs ?? []);
      }
      // The answer was lost: what was removed is what stood there just before.
      const before = await this.#cluster.call("range", { ...list, revision: String(written.revision - 1) });
      return this.#reader.countLive(before.kvs);
    });
  }

  async keepAlive(key: string, expires: Date): Promise<Revision> {
    const etcdKey = this.#keys.encode(key);
    const prolong = this.#leased(expires, etcdKey, (lease) => ({
      request_put: { key: etcdKey, ignore_value: true, lease },
    }));
    return this.#onLive(key, etcdKey, undefined, () => prolong);
  }

  watch(prefixes: readonly string[], options: WatchOptions = {}): AsyncIterable<StorageEvent> {
    this.#check();
    const { cursor, signal } = options;
    const ended = AbortSignal.any([this.#ending.signal, ...(signal ? [signal] : [])]);
    const source = {
      cluster: this.#cluster,
      keys: this.#keys,
      expiry: this.#expiry,
      reader: this.#reader,
      clock: this.#clock,
      log: this.#log,
      bufferSize: this.options.bufferSize,
    };
    return mapped(new ChangeStream(source, [...prefixes], ended).events(this.#revisionNow(), cursor));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#ending.abort();
    await this.#writer.drain(DRAIN_MS);
    if (this.#opened) await this.#writer.close(GOODBYE_MS);
    this.#closing.abort();
  }

  /**
   * Changes a live item: the one at `expected`, or whatever lives. Throws `not_found` where nothing does and
   * `compare_failed` where something else than expected does.
   */
  async #onLive(
    name: string,
    key: Buffer,
    expected: Revision | undefined,
    operation: () => Operation,
  ): Promise<Revision> {
    this.#check();
    const missing = (): Error => notFound(`${name} is not found`);
    let known: KnownRevision | undefined;
    let stored: Stored | undefined;
    if (expected !== undefined) {
      known = parseRevision(this.#id, expected);
      if (known && (await this.#hasExpired(known))) known = undefined;
    }
    if (!known) {
      stored = await this.#mapped(() => this.#reader.stored(key));
      if (!stored) throw missing();
      if (expected !== undefined) throw compareFailed(`${name} has changed`);
    }
    for (;;) {
      const mod = known?.mod ?? stored?.kv.mod_revision ?? "0";
      const written = await this.#write(operation(), [isAt(key, mod)], [{ request_range: { key } }]);
      if (written.succeeded) return this.#revision(written);
      const kv = written.responses[0]?.response_range.kvs[0];
      stored = await this.#mapped(() => this.#reader.live(kv));
      if (!stored) throw missing();
      if (expected !== undefined) throw compareFailed(`${name} has changed`);
    }
  }

  /** The newest store revision; writes that are asked for from now on come behind it. */
  #revisionNow(): Promise<number> {
    const now = this.#cluster
      .call("range", { key: this.#keys.all.start, keys_only: true })
      .then(({ header }) => Number(header.revision));
    this.#starting.add(now);
    // Reported by the watch; without anyone reading that, it is nobody's failure.
    const started = (): boolean => this.#starting.delete(now);
    now.then(started, started);
    return now;
  }

  async #hasExpired({ lease }: KnownRevision): Promise<boolean> {
    return this.#mapped(async () => this.#reader.expired(await this.#expiry.second(lease)));
  }

  #storing(item: NewItem, key: Buffer): Operation & { readonly bytes: number } {
    const value = encodeValue(item.key, item.value);
    const bytes = key.length + value.length;
    if (!item.expires) {
      const made = { ops: [{ request_put: { key, value } }], lease: "0" };
      return { ops: () => made, bytes };
    }
    const leased = this.#leased(item.expires, key, (lease) => ({ request_put: { key, value, lease } }));
    return { ...leased, bytes };
  }

  /** An operation on an item with an expiry; one that is over already removes it. */
  #leased(expires: Date, key: Buffer, put: (lease: string) => IRequestOp): Operation {
    if (Number.isNaN(expires.getTime())) throw badParameter("an expiry must be a valid time");
    const second = expirySecond(expires);
    return {
      second,
      ops: async () => {
        if (this.#reader.expired(second)) return { ops: [removal(key)], lease: "0" };
        const lease = await this.#leases.lease(second);
        return { ops: [put(lease)], lease };
      },
    };
  }

  async #write(
    operation: Operation,
    compare: readonly ICompare[],
    failure: readonly IRequestOp[],
  ): Promise<Written & { readonly lease: string }> {
    this.#check();
    await this.#watchesStarted();
    let lease = "0";
    const prepare = async (): Promise<Write> => {
      const made = await operation.ops();
      lease = made.lease;
      return { compare, success: made.ops, failure };
    };
    const written = await this.#mapped(() =>
      this.#writer.write(prepare, () => this.#forgetLease(operation.second)),
    );
    return { ...written, lease };
  }

  /** What is written from now on is seen by every watch that was asked for before. */
  async #watchesStarted(): Promise<void> {
    while (this.#starting.size > 0) await Promise.allSettled(this.#starting);
  }

  #forgetLease(second: number | undefined): void {
    if (second !== undefined) this.#leases.forget(second);
  }

  #revision(written: Written & { readonly lease: string }): Revision {
    return written.succeeded ? formatRevision(this.#id, String(written.revision), written.lease) : "";
  }

  get #id(): string {
    return this.#cluster.id;
  }

  #check(): void {
    if (!this.#opened || this.#ending.signal.aborted) {
      throw unavailable(this.#opened ? "the storage is closed" : "the storage is not open yet");
    }
  }

  async #mapped<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(error);
    }
  }
}

async function* nothing(): AsyncGenerator<never> {}

/** What a write does; made anew for every attempt. */
interface Operation {
  readonly ops: () => Leased | Promise<Leased>;
  /** The unix second at which what is written expires. */
  readonly second?: number;
}

async function* mapped(events: AsyncIterable<StorageEvent>): AsyncGenerator<StorageEvent> {
  try {
    yield* events;
  } catch (error) {
    throw storageError(error);
  }
}

function isAt(key: Buffer, mod: string): ICompare {
  return { key, target: "Mod", result: "Equal", mod_revision: mod };
}

function removal(key: Buffer): IRequestOp {
  return { request_delete_range: { key } };
}
