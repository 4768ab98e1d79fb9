import type { StorageEvent, WatchOptions } from "@teleport/plugin";
import { tagged, untagged } from "./epoch-tag.js";
import { parseRecord, RECORD_KEY } from "./migration/records.js";
import type { ServingStore } from "./switchable-storage.js";

/** How long the last changes of a store that was left may take; then the watch yields `reset` and goes on. */
const LAST_CHANGES_MS = 15_000;

/** The part of a watch that one store serves. */
interface Leg {
  readonly store: ServingStore;
  readonly events: AsyncIterable<StorageEvent>;
  /** Whether it has begun: what is written from then on is seen. */
  begun: boolean;
  /** Whether something may have been written before it began. */
  late: boolean;
}

/**
 * A watch that goes on in the next store when the cluster moves. Every store's own stream ends, for this purpose, with the
 * migration record that says so; the stream of the next one begins before any write reaches it, or with a reset. So there
 * is no gap.
 */
export class SwitchingWatch {
  readonly #legs: Leg[];
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  /** Ends the leg that is being read, where the cluster has left its store. */
  #leave = new AbortController();
  #switched: () => void = () => undefined;

  constructor(
    first: ServingStore,
    private readonly prefixes: readonly string[],
    private readonly options: WatchOptions,
    private readonly onEnd: () => void,
  ) {
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#end.signal]) : this.#end.signal;
    this.#signal.addEventListener("abort", onEnd, { once: true });
    const events = this.#watch(first, options.cursor);
    this.#legs = [{ store: first, events, begun: true, late: false }];
  }

  /** Begins the part that the next store serves. Resolves when it has begun, or has failed to. */
  async goOnIn(next: ServingStore): Promise<void> {
    const leave = this.#leave;
    const events = this.#watch(next)[Symbol.asyncIterator]();
    // A stream need not begin before it is asked for its first event.
    const first = events.next();
    const leg: Leg = { store: next, events: startingWith(first, events), begun: false, late: false };
    this.#legs.push(leg);
    this.#switched();
    const patience = setTimeout(() => leave.abort(), LAST_CHANGES_MS);
    patience.unref();
    this.#signal.addEventListener("abort", () => clearTimeout(patience), { once: true });
    await first.then(
      () => (leg.begun = true),
      () => undefined,
    );
  }

  /** Tells that the next store is written to from now on, or has been already. */
  writesGoOn(already: boolean): void {
    const leg = this.#legs.at(-1) as Leg;
    leg.late ||= already || !leg.begun;
  }

  /** Ends the watch. */
  end(): void {
    this.#end.abort();
  }

  /** The stream of {@link Storage.watch}. */
  async *events(): AsyncGenerator<StorageEvent> {
    let told = false;
    let complete = true;
    try {
      while (!this.#signal.aborted) {
        const leg = this.#legs[0] as Leg;
        const { store, events } = leg;
        let moved = false;
        try {
          for await (const event of events) {
            if (movesOn(event, store.epoch)) {
              moved = true;
              break;
            }
            const shown = this.#shown(event, store.epoch);
            if (shown?.type !== "init") {
              if (shown) yield shown;
              continue;
            }
            if (!told) yield shown;
            told = true;
            if (!complete || leg.late) yield { type: "reset", cursor: shown.cursor };
          }
        } catch (error) {
          if (this.#legs.length === 1) throw error;
        }
        if (!moved && this.#legs.length === 1) return;
        complete = moved;
        await this.#nextLeg();
      }
    } finally {
      this.onEnd();
      this.#end.abort();
    }
  }

  /** Resolves when there is a leg behind the current one, which then is dropped; or when the watch is to end. */
  async #nextLeg(): Promise<void> {
    while (this.#legs.length === 1 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#switched = resolve;
        this.#signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    if (this.#legs.length > 1) this.#legs.shift();
  }

  #watch(store: ServingStore, cursor?: string): AsyncIterable<StorageEvent> {
    this.#leave = new AbortController();
    const signal = AbortSignal.any([this.#signal, this.#leave.signal]);
    const known = cursor === undefined ? undefined : untagged(cursor);
    // A cursor of another store is one that this store cannot read: it answers with a reset.
    const own = known?.epoch === store.epoch ? known.value : "-";
    return store.storage.watch([...this.prefixes, RECORD_KEY], {
      signal,
      ...(cursor !== undefined && { cursor: own }),
    });
  }

  /** The event as the consumer sees it; undefined where it asked for something else. */
  #shown(event: StorageEvent, epoch: number): StorageEvent | undefined {
    const key = event.type === "put" ? event.item.key : event.type === "delete" ? event.key : undefined;
    if (key === RECORD_KEY && !this.prefixes.some((prefix) => key.startsWith(prefix))) return undefined;
    const cursor = tagged(epoch, event.cursor);
    if (event.type !== "put") return { ...event, cursor };
    return { type: "put", item: { ...event.item, revision: tagged(epoch, event.item.revision) }, cursor };
  }
}

/** A stream whose first event was asked for already. */
async function* startingWith(
  first: Promise<IteratorResult<StorageEvent>>,
  rest: AsyncIterator<StorageEvent>,
): AsyncGenerator<StorageEvent> {
  try {
    for (let next = await first; !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Whether the event is the last one of the store that `epoch` belongs to. */
function movesOn(event: StorageEvent, epoch: number): boolean {
  if (event.type !== "put" || event.item.key !== RECORD_KEY) return false;
  const record = parseRecord(event.item.value);
  return record.phase === "committed" && record.epoch > epoch;
}
