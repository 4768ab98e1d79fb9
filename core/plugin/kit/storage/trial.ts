import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { errorCode, type ErrorCode } from "../../../errors/error.js";
import type { Item, KeyRange, Storage, StorageEvent, WatchOptions } from "../../storage.js";

/** A storage under test. */
export interface StorageFixture {
  readonly storage: Storage;
  /** The clock of the storage and its peers, where it can be moved. Without it the kit waits in real time. */
  readonly clock?: { now(): Date; advance(ms: number): Promise<void> };
  /** Opens another handle on the same data, as another process would. It is closed by the kit. */
  readonly peer?: () => Promise<Storage>;
  /** Called once after the case; the storage has been closed. */
  readonly dispose?: () => Promise<void>;
}

/** A case before it has a storage. */
export interface StorageTrial {
  readonly name: string;
  readonly run: (this: void, trial: Trial) => Promise<void>;
}

/** What a case works with: the storage and the means to look at it. */
export class Trial {
  readonly #watches: AbortController[] = [];
  readonly #peers: Storage[] = [];

  constructor(
    private readonly fixture: StorageFixture,
    private readonly patienceMs: number,
    /** The longest acceptable hold-up of the event loop. */
    readonly stallMs: number,
  ) {}

  get storage(): Storage {
    return this.fixture.storage;
  }

  /** Whether the clock can be put back. */
  get hasClock(): boolean {
    return this.fixture.clock !== undefined;
  }

  /** Lets time pass for the storage. */
  async pass(ms: number): Promise<void> {
    await (this.fixture.clock ? this.fixture.clock.advance(ms) : pause(ms));
  }

  /** A time that is soon over, and how long to {@link pass} until it surely is. */
  soon(): { expires: Date; waitMs: number } {
    const granularityMs = this.storage.capabilities.ttlGranularityMs;
    const ttlMs = Math.max(2 * granularityMs, 500);
    return { expires: new Date(this.#storageNow() + ttlMs), waitMs: ttlMs + 2 * granularityMs + 50 };
  }

  /** A time that does not come during a case. */
  later(hours = 1): Date {
    return new Date(Math.floor(this.#storageNow() / 1000) * 1000 + hours * 3_600_000);
  }

  /** Another handle on the same data, or the storage itself where there is none. */
  async peer(): Promise<Storage> {
    if (!this.fixture.peer) {
      return this.storage;
    }
    const peer = await this.fixture.peer();
    this.#peers.push(peer);
    return peer;
  }

  /** Starts a watch and takes its `init`. */
  async watch(
    prefixes: readonly string[],
    options: WatchOptions = {},
    storage = this.storage,
  ): Promise<WatchProbe> {
    const probe = this.startWatch(prefixes, options, storage);
    const first = await probe.next();
    assert.equal(first.type, "init", "the first event of a watch must be init");
    probe.cursor = first.cursor;
    return probe;
  }

  /** Starts a watch and takes nothing yet. */
  startWatch(prefixes: readonly string[], options: WatchOptions = {}, storage = this.storage): WatchProbe {
    const stop = new AbortController();
    this.#watches.push(stop);
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    return new WatchProbe(storage.watch(prefixes, { ...options, signal }), this.patienceMs);
  }

  /** Fails where a promise takes longer than the kit is patient. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    return within(promise, this.patienceMs, what);
  }

  /** Ends whatever the case has left open. */
  async end(): Promise<void> {
    this.#watches.forEach((watch) => watch.abort());
    await Promise.all(this.#peers.map((peer) => peer.close()));
    await this.storage.close();
    await this.fixture.dispose?.();
  }

  #storageNow(): number {
    return (this.fixture.clock?.now() ?? new Date()).getTime();
  }
}

/** Reads a watch event by event. */
export class WatchProbe {
  readonly #events: AsyncIterator<StorageEvent>;
  /** The cursor of the last event taken. */
  cursor = "";

  constructor(
    events: AsyncIterable<StorageEvent>,
    private readonly patienceMs: number,
  ) {
    this.#events = events[Symbol.asyncIterator]();
  }

  /** The next event; fails where none comes. */
  async next(): Promise<StorageEvent> {
    const result = await within(this.#events.next(), this.patienceMs, "an expected watch event did not come");
    assert.ok(!result.done, "the watch ended early");
    this.cursor = result.value.cursor;
    return result.value;
  }

  /** The next event in short: `put /key value`, `delete /key`, `init` or `reset`. */
  async line(): Promise<string> {
    return describeEvent(await this.next());
  }

  /** The next `count` events in short. */
  async lines(count: number): Promise<string[]> {
    const lines: string[] = [];
    while (lines.length < count) {
      lines.push(await this.line());
    }
    return lines;
  }

  /** As {@link ended}, for a watch that may still say `init`. */
  async endedAfterInit(): Promise<void> {
    const result = await within(this.#events.next(), this.patienceMs, "the watch did not end");
    if (!result.done) {
      assert.equal(result.value.type, "init");
      await this.ended();
    }
  }

  /** Fails where the watch does not end, without an error. */
  async ended(): Promise<void> {
    const result = await within(this.#events.next(), this.patienceMs, "the watch did not end");
    assert.ok(result.done, "the watch went on after its end");
  }
}

/** Fails where the promise does not reject with exactly this code. */
export async function rejectsWith(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  assert.ok("error" in outcome, `expected ${code}, but it succeeded`);
  assert.equal(errorCode(outcome.error), code);
}

/** Every item of a range. */
export async function collect(storage: Storage, range: KeyRange): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of storage.range(range)) {
    items.push(item);
  }
  return items;
}

/** The bytes of a text. */
export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** The text of some bytes. */
export function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}

/** What became of many attempts: how often each error code came, and `ok` for success. */
export async function tally(attempts: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.allSettled(attempts)) {
    const name = outcome.status === "fulfilled" ? "ok" : errorCode(outcome.reason);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function describeEvent(event: StorageEvent): string {
  switch (event.type) {
    case "put":
      return `put ${event.item.key} ${text(event.item.value)}`;
    case "delete":
      return `delete ${event.key}`;
    case "init":
    case "reset":
      return event.type;
  }
}

async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const over = new AbortController();
  const late = pause(ms, undefined, { signal: over.signal }).then(
    () => assert.fail(`${what} within ${ms} ms`),
    () => assert.fail(what),
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}
