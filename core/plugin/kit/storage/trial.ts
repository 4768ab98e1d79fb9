import assert from "node:assert/strict";
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { errorCode, type ErrorCode } from "../../../errors/error.js";
import type {
  Item,
  KeyRange,
  NewItem,
  Storage,
  StorageCapabilities,
  StorageEvent,
  WatchOptions,
} from "../../storage.js";
import { Random } from "../random.js";
import { within } from "../within.js";

/** A storage under test. */
export interface StorageFixture {
  readonly storage: Storage;
  /** The clock of the storage and its peers, where it can be moved. Without it the kit waits in real time. */
  readonly clock?: { now(): Date; advance(ms: number): Promise<void> };
  /** Opens another handle on the same data, as another process would. It is closed by the kit. */
  readonly peer?: () => Promise<Storage>;
  /** Puts the clock that the storage reads forward or back by that much, where it cannot be moved otherwise. */
  readonly shiftClock?: (ms: number) => void;
  /**
   * Starts another process that serves `serveCrashWriter` on the same data, with an IPC channel. The crash cases kill
   * it; those take place with the option `crash` only.
   */
  readonly child?: () => ChildProcess;
  /**
   * Cuts all handles off from their server while the function runs. The outage cases take place with the option
   * `outage` only.
   */
  readonly outage?: (during: () => Promise<void>) => Promise<void>;
  /** Called once after the case; the storage has been closed. */
  readonly dispose?: () => Promise<void>;
}

/** A case before it has a storage. */
export interface StorageTrial {
  readonly name: string;
  /** How many runs with seeds of their own a random case has; a case without is not random. */
  readonly seeds?: number;
  /** The stated capabilities that the case proves. */
  readonly proves?: readonly (keyof StorageCapabilities)[];
  readonly run: (this: void, trial: Trial) => Promise<void>;
}

/** What a trial is told beside its storage. */
export interface TrialOptions {
  /** How long an expected event may take. */
  readonly patienceMs: number;
  /** The longest acceptable hold-up of the event loop. */
  readonly stallMs: number;
  /** How many items the paging cases write. */
  readonly pagingItems: number;
  /** What the random numbers of the case start from. */
  readonly seed: number;
}

/** Thrown by a case that does not apply to the storage; its message says why. */
export class NotApplicable extends Error {}

/** What a case works with: the storage and the means to look at it. */
export class Trial {
  readonly #watches: AbortController[] = [];
  readonly #peers: Storage[] = [];
  readonly #children: ChildProcess[] = [];
  #shiftMs = 0;
  /** The same numbers in every run with the same seed. */
  readonly random: Random;

  constructor(
    private readonly fixture: StorageFixture,
    private readonly options: TrialOptions,
  ) {
    this.random = new Random(options.seed);
  }

  get storage(): Storage {
    return this.fixture.storage;
  }

  /** The longest acceptable hold-up of the event loop. */
  get stallMs(): number {
    return this.options.stallMs;
  }

  /** How many items the paging cases write. */
  get pagingItems(): number {
    return this.options.pagingItems;
  }

  /** How long an expected event may take. */
  get patienceMs(): number {
    return this.options.patienceMs;
  }

  /** Whether time passes only when the kit says so. */
  get hasManualClock(): boolean {
    return this.fixture.clock !== undefined;
  }

  /** Puts the clock of the storage forward or back without waiting, where that can be done. */
  async shiftClock(ms: number): Promise<void> {
    await this.fixture.clock?.advance(ms);
    if (this.fixture.shiftClock) {
      this.fixture.shiftClock(ms);
      this.#shiftMs += ms;
    }
  }

  /** The time of the storage, in unix milliseconds. */
  nowMs(): number {
    return (this.fixture.clock?.now() ?? new Date()).getTime() + this.#shiftMs;
  }

  /** Lets time pass for the storage. */
  async pass(ms: number): Promise<void> {
    await (this.fixture.clock ? this.fixture.clock.advance(ms) : pause(ms));
  }

  /** A time that is soon over, and how long to {@link pass} until it surely is; `times` makes both longer. */
  soon(times = 1): { expires: Date; ttlMs: number; waitMs: number } {
    const granularityMs = this.storage.capabilities.ttlGranularityMs;
    // In real time a busy machine must still get round to a few reads before it is over.
    const ttlMs = times * Math.max(2 * granularityMs, this.hasManualClock ? 500 : 2000);
    return { expires: new Date(this.nowMs() + ttlMs), ttlMs, waitMs: ttlMs + 2 * granularityMs + 50 };
  }

  /** A time that does not come during a case. */
  later(hours = 1): Date {
    return new Date(Math.floor(this.nowMs() / 1000) * 1000 + hours * 3_600_000);
  }

  /** Whether an expiry that was read is the one that was written, with the stated precision. */
  isExpiry(read: Date | undefined, writtenMs: number | undefined): boolean {
    if (read === undefined || writtenMs === undefined) {
      return read === writtenMs;
    }
    return Math.abs(read.getTime() - writtenMs) < Math.max(this.storage.capabilities.ttlGranularityMs, 1);
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

  /** Starts a process that writes through the same plugin; it is killed at the end of the case at the latest. */
  child(): ChildProcess {
    const { child } = this.fixture;
    assert.ok(child, "the fixture of a crash case must have a child");
    const started = child();
    this.#children.push(started);
    return started;
  }

  /** Does something while the storage is cut off from its server. */
  async outage(during: () => Promise<void>): Promise<void> {
    const { outage } = this.fixture;
    assert.ok(outage, "the fixture of an outage case must have an outage");
    await outage(during);
  }

  /** Ends whatever the case has left open. Fails where the storage does not close. */
  async end(): Promise<void> {
    this.#watches.forEach((watch) => watch.abort());
    try {
      await Promise.all(this.#children.map(killed));
      const closed = Promise.all([...this.#peers, this.storage].map((storage) => storage.close()));
      await this.within(closed, "the storage did not close");
    } finally {
      await this.fixture.dispose?.();
    }
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

/** Writes many items, a bounded number at once. */
export async function fill(storage: Storage, items: readonly NewItem[]): Promise<void> {
  await inParallel(items, 100, (item) => storage.put(item));
}

/** Does something for each of many, at most `width` at once. */
export async function inParallel<T>(
  things: readonly T[],
  width: number,
  work: (thing: T) => Promise<unknown>,
): Promise<void> {
  const left = things.values();
  const worker = async (): Promise<void> => {
    for (const thing of left) {
      await work(thing);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, things.length) }, worker));
}

/** Kills a process that may be dead already, and waits until it is. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
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
