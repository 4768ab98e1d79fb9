import { setImmediate as turn } from "node:timers/promises";
import { type Clock, type Item } from "@teleport/plugin";
import type { IKeyValue } from "etcd3";
import { BatchQueue } from "./batch-queue.js";
import type { Cluster } from "./cluster.js";
import type { EtcdRange, KeySpace } from "./key-space.js";
import { callFailure } from "./failure.js";
import type { LeaseExpiry } from "./lease-expiry.js";
import { formatRevision } from "./position.js";
import type { Pair, RangePage } from "./range-page.js";
import { decodeValue } from "./value-text.js";

/** Items of the first page of a range, and of the largest one. */
const FIRST_PAGE = 128;
const LARGEST_PAGE = 4000;
/** What a page is meant to hold. */
const PAGE_BYTES = 2 * 1024 * 1024;
/** What is decoded of a page before the event loop gets its turn. */
const SLICE_ITEMS = 250;
/** What the answer to gets that are sent together is meant to hold: it is decoded at once. */
const BATCH_BYTES = 256 * 1024;

/** Most items read in one call; etcd's own limit is 128. */
const BATCH_GETS = 64;

/** A stored pair, or the absence of one that lives. */
export interface Stored {
  readonly kv: Pair;
  /** The unix second of its end; undefined for never. */
  readonly second: number | undefined;
}

/** Reads items; what has expired is not there, whether or not etcd has removed it. */
export class ItemReader {
  readonly #gets = new BatchQueue<Buffer, IKeyValue | undefined>({
    fitting: (keys) =>
      Math.min(keys.length, BATCH_GETS, Math.max(1, Math.floor(BATCH_BYTES / this.#usualBytes))),
    send: (keys, deadline) => this.#getAll(keys, deadline - performance.now()),
  });
  /** Size of the pairs that were read lately. */
  #usualBytes = 4096;

  constructor(
    private readonly cluster: Cluster,
    private readonly keys: KeySpace,
    private readonly expiry: LeaseExpiry,
    private readonly clock: Clock,
  ) {}

  /** The live pair of an etcd key; undefined where there is none. Rejects with a call failure. */
  async stored(key: Buffer): Promise<Stored | undefined> {
    return this.live(await this.#gets.add(key));
  }

  async #getAll(keys: readonly Buffer[], timeoutMs: number): Promise<(IKeyValue | undefined)[]> {
    const kvs = await this.#kvs(keys, timeoutMs);
    const bytes = kvs.reduce((sum, kv) => sum + (kv ? kv.key.length + kv.value.length : 0), 0);
    this.#usualBytes = Math.max(1, (this.#usualBytes + bytes / kvs.length) / 2);
    return kvs;
  }

  async #kvs(keys: readonly Buffer[], timeoutMs: number): Promise<(IKeyValue | undefined)[]> {
    const [key] = keys;
    if (keys.length === 1) return [(await this.cluster.call("range", { key }, { timeoutMs })).kvs[0]];
    // A transaction that only reads is a linearizable read, too.
    const success = keys.map((each) => ({ request_range: { key: each } }));
    const { responses } = await this.cluster.call("txn", { success }, { timeoutMs });
    return responses.map(({ response_range }) => response_range.kvs[0]);
  }

  /** A pair with its expiry; undefined where it has expired. */
  async live(kv: Pair | undefined): Promise<Stored | undefined> {
    if (!kv) return undefined;
    const found = this.expiry.second(kv.lease);
    const second = found instanceof Promise ? await found : found;
    return this.expired(second) ? undefined : { kv, second };
  }

  /** Whether an item with this end is gone. */
  expired(second: number | undefined): boolean {
    return second !== undefined && second * 1000 <= this.clock.now().getTime();
  }

  /** The item of a stored pair. Throws `corrupt`. */
  item({ kv, second }: Stored): Item {
    const key = this.keys.decode(kv.key);
    return {
      key,
      value: decodeValue(key, kv.value),
      ...(second !== undefined && { expires: new Date(second * 1000) }),
      revision: formatRevision(this.cluster.id, kv.mod_revision, kv.lease),
    };
  }

  /** How many of these pairs live. */
  async countLive(kvs: readonly IKeyValue[]): Promise<number> {
    const live = await Promise.all(kvs.map((kv) => this.live(kv)));
    return live.filter((stored) => stored !== undefined).length;
  }

  /**
   * The live items of a range in key order, as they were at one moment, page by page. Only where etcd compacts that moment
   * away during a long reading, the rest is as it is later. The next page is fetched while one is read.
   */
  async *pages(range: EtcdRange): AsyncGenerator<Item[]> {
    let next: Promise<Page> | undefined = this.#page(range.start, range.end, FIRST_PAGE, undefined);
    while (next) {
      const { page, revision }: Page = await next;
      next = undefined;
      const last = page.lastKey;
      if (page.more && last) {
        const behind = Buffer.concat([last, Buffer.from([0])]);
        next = this.#page(behind, range.end, nextLimit(page), revision);
        // The reader may stop before it looks at this page.
        next.catch(() => undefined);
      }
      for (let start = 0; start < page.length; start += SLICE_ITEMS) {
        if (start > 0) await turn();
        yield await this.#items(page.slice(start, start + SLICE_ITEMS));
      }
    }
  }

  /** The items of those pairs that live. */
  async #items(pairs: readonly Pair[]): Promise<Item[]> {
    const asked = pairs.map(({ lease }) => this.expiry.second(lease));
    const promised = asked.some((second) => second instanceof Promise);
    const seconds = promised ? await Promise.all(asked.map(async (second) => second)) : asked;
    return pairs.flatMap((kv, index) => {
      const second = seconds[index] as number | undefined;
      return this.expired(second) ? [] : [this.item({ kv, second })];
    });
  }

  async #page(key: Buffer, end: Buffer, limit: number, revision: string | undefined): Promise<Page> {
    const request = { key, range_end: end, limit };
    if (revision === undefined) return this.#pageAt(request, undefined);
    const pinned = { ...request, revision };
    try {
      // What stood at a revision is the same at every member that has got there.
      return await this.#pageAt({ ...pinned, serializable: true }, revision);
    } catch (error) {
      const { kind } = callFailure(error, "etcd");
      if (kind === "future") return this.#pageAt(pinned, revision);
      if (kind === "compacted") return this.#pageAt(request, undefined);
      throw error;
    }
  }

  async #pageAt(request: object, revision: string | undefined): Promise<Page> {
    const page = await this.cluster.call("page", request);
    return { page, revision: revision ?? page.header.revision };
  }
}

interface Page {
  readonly page: RangePage;
  readonly revision: string;
}

/** As many items as fit a page if they are like those of the last one, growing step by step. */
function nextLimit({ bytes, length }: RangePage): number {
  const fitting = Math.floor((PAGE_BYTES * length) / Math.max(bytes, 1));
  return Math.max(1, Math.min(fitting, length * 16, LARGEST_PAGE));
}
