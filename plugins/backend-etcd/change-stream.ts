import { setImmediate as turn } from "node:timers/promises";
import { errorCode, errorMessage, type Clock, type Logger, type StorageEvent } from "@teleport/plugin";
import type { IEvent } from "etcd3";
import { Backoff } from "./backoff.js";
import type { Cluster } from "./cluster.js";
import { callFailure, causeOf } from "./failure.js";
import type { ItemReader } from "./item-reader.js";
import type { KeySpace } from "./key-space.js";
import type { LeaseExpiry } from "./lease-expiry.js";
import { formatCursor, parseCursor, type Position } from "./position.js";
import { readAhead } from "./read-ahead.js";
import { watchMessages, type WatchMessage } from "./watch-messages.js";

/** Events handed out before the event loop gets its turn. */
const EVENTS_PER_TURN = 128;

/** What a change stream works with. */
export interface ChangeSource {
  readonly cluster: Cluster;
  readonly keys: KeySpace;
  readonly expiry: LeaseExpiry;
  readonly reader: ItemReader;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many changes are kept for a slow reader before etcd has to wait. */
  readonly bufferSize: number;
}

/**
 * The stream of {@link Storage.watch}. It knows how far its reader has come, to the key, and goes on from there whenever
 * the connection, the member or the leader is lost; only what etcd has compacted makes a `reset`.
 */
export class ChangeStream {
  #position: Position = { revision: 0 };
  /** Whether events of the position's revision are still those delivered before. */
  #skipping = false;

  constructor(
    private readonly source: ChangeSource,
    private readonly prefixes: readonly string[],
    private readonly signal: AbortSignal,
  ) {}

  /** The events. `start` resolves to the store revision at which the watch was asked for. */
  async *events(start: Promise<number>, cursor: string | undefined): AsyncGenerator<StorageEvent> {
    const { cluster } = this.source;
    const now = await this.#untilAborted(start);
    if (now === undefined) return;
    const known = cursor === undefined ? undefined : parseCursor(cluster.id, cursor);
    // A revision that does not exist yet is of a store that has been put back to an older state.
    const resumed = known && known.revision <= now ? known : undefined;
    this.#position = resumed ?? { revision: now };
    yield { type: "init", cursor: this.#cursor };
    if (cursor !== undefined && !resumed) yield { type: "reset", cursor: this.#cursor };
    yield* this.#changes();
  }

  async *#changes(): AsyncGenerator<StorageEvent> {
    const { clock, log } = this.source;
    const backoff = new Backoff(clock);
    let compacted = false;
    let lost = false;
    while (!this.signal.aborted) {
      try {
        if (compacted) yield* this.#reset();
        compacted = false;
        for await (const message of this.#messages()) {
          if (message.created && lost) log.info("watching etcd again");
          lost = false;
          backoff.reset();
          yield* this.#deliver(message);
        }
      } catch (error) {
        const failure = callFailure(error, "etcd");
        compacted ||= failure.kind === "compacted";
        if (!compacted && !lost && !this.signal.aborted) {
          lost = true;
          const level = failure.kind === "denied" ? "warn" : "info";
          log[level]("a watch of etcd was interrupted; it goes on where it was", { error: causeOf(failure) });
        }
      }
      if (!compacted) await backoff.pause(this.signal).catch(() => undefined);
    }
  }

  /** The messages of one connection, from where the reader has stopped. */
  async *#messages(): AsyncGenerator<WatchMessage> {
    const { cluster, keys, bufferSize } = this.source;
    const { revision, key } = this.#position;
    // The key at which the reader has stopped shows where the rest of its revision begins.
    const hull = keys.hull(this.prefixes, key === undefined ? undefined : Buffer.from(key, "base64"));
    if (!hull) {
      await this.#untilAborted(new Promise<undefined>(() => undefined));
      return;
    }
    const from = key === undefined ? revision + 1 : revision;
    this.#skipping = key !== undefined;
    const stop = new AbortController();
    const messages = watchMessages(cluster, hull, from, AbortSignal.any([this.signal, stop.signal]));
    try {
      yield* readAhead(messages, ({ events }) => events.length, bufferSize);
    } finally {
      stop.abort();
    }
  }

  async *#deliver({ revision, events, created, fragment }: WatchMessage): AsyncGenerator<StorageEvent> {
    if (events.length === 0 && !created && revision > this.#position.revision) {
      // Progress: all changes up to here have been sent.
      this.#position = { revision };
    }
    await this.#askLeases(events);
    let delivered = 0;
    for (const [index, event] of events.entries()) {
      if (this.signal.aborted) return;
      const following = events[index + 1];
      const mod = Number(event.kv.mod_revision);
      const complete = following ? Number(following.kv.mod_revision) > mod : !fragment;
      if (this.#delivered(mod, event.kv.key, complete)) continue;
      const key = this.source.keys.decode(event.kv.key);
      this.#position = { revision: mod, ...(!complete && { key: event.kv.key.toString("base64") }) };
      if (!this.prefixes.some((prefix) => key.startsWith(prefix))) continue;
      if (++delivered % EVENTS_PER_TURN === 0) await turn();
      yield await this.#event(event, key);
    }
  }

  /** Whether an event lies before the place where the reader has stopped; that place itself is the last such. */
  #delivered(mod: number, etcdKey: Buffer, complete: boolean): boolean {
    const { revision, key } = this.#position;
    if (mod !== revision) return mod < revision;
    if (key === undefined) return true;
    if (!this.#skipping) return false;
    if (etcdKey.toString("base64") === key) {
      this.#skipping = false;
      if (complete) this.#position = { revision };
    }
    return true;
  }

  async #event(event: IEvent, key: string): Promise<StorageEvent> {
    const cursor = this.#cursor;
    if (event.type === "Delete") return { type: "delete", key, cursor };
    const second = await this.source.expiry.second(event.kv.lease);
    try {
      return { type: "put", item: this.source.reader.item({ kv: event.kv, second }), cursor };
    } catch (error) {
      if (errorCode(error) !== "corrupt") throw error;
      this.source.log.warn("a change cannot be understood; everything is read again", {
        error: errorMessage(error),
      });
      return { type: "reset", cursor };
    }
  }

  /** Asks for all leases of a message at once. */
  async #askLeases(events: readonly IEvent[]): Promise<void> {
    const asked = new Set<Promise<number>>();
    for (const { kv } of events) {
      const second = this.source.expiry.second(kv.lease);
      if (second instanceof Promise) asked.add(second);
    }
    await Promise.all(asked);
  }

  async *#reset(): AsyncGenerator<StorageEvent> {
    const { cluster, keys } = this.source;
    const { header } = await cluster.call("range", { key: keys.all.start, keys_only: true });
    this.#position = { revision: Number(header.revision) };
    yield { type: "reset", cursor: this.#cursor };
  }

  get #cursor(): string {
    return formatCursor(this.source.cluster.id, this.#position);
  }

  async #untilAborted<T>(promise: Promise<T>): Promise<T | undefined> {
    if (this.signal.aborted) return undefined;
    let stop = (): void => undefined;
    const aborted = new Promise<undefined>((resolve) => {
      stop = () => resolve(undefined);
      this.signal.addEventListener("abort", stop, { once: true });
    });
    try {
      return await Promise.race([promise, aborted]);
    } finally {
      this.signal.removeEventListener("abort", stop);
    }
  }
}
