import {
  errorChain,
  hasCode,
  prefixRange,
  type Clock,
  type Cursor,
  type Item,
  type Logger,
  type Storage,
} from "@teleport/plugin";
import type { ReplicaContent } from "./replica-content.js";

const RETRY_MS = 1_000;

/** What a feed works with. */
export interface ReplicaFeedOptions {
  readonly storage: Storage;
  readonly prefixes: readonly string[];
  readonly content: ReplicaContent;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when the store could not be read. */
  readonly onFailure: (error: unknown) => void;
}

/** Keeps a replica's content in step with the store: one scan, then one watch, anew where changes were lost. */
export class ReplicaFeed {
  readonly #options: ReplicaFeedOptions;
  readonly #stop = new AbortController();
  #cursor: Cursor | undefined;
  #brokenSince: Date | undefined;

  constructor(options: ReplicaFeedOptions) {
    this.#options = options;
  }

  /** Up to where the content holds every change; undefined before the first scan is done. */
  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  /** Since when changes do not arrive; undefined while they do. */
  get brokenSince(): Date | undefined {
    return this.#brokenSince;
  }

  start(): void {
    void this.#run();
  }

  /** Ends it. A backend that does not answer is not waited for. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { clock, log, onFailure } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#follow();
        // The store was closed.
        if (!signal.aborted) await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      } catch (error) {
        if (signal.aborted) return;
        this.#brokenSince ??= clock.now();
        if (!hasCode(error, "unavailable")) {
          log.warn("the replica of the storage cannot be refreshed; trying again", {
            error: errorChain(error),
          });
        }
        onFailure(error);
        await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  async #follow(): Promise<void> {
    const { storage, prefixes, content } = this.#options;
    const { signal } = this.#stop;
    for await (const event of storage.watch(prefixes, { cursor: this.#cursor, signal })) {
      if (event.type === "reset" || (event.type === "init" && this.#cursor === undefined)) {
        await this.#scan();
      } else if (event.type === "put") {
        content.changed(event.item.key, event.item);
      } else if (event.type === "delete") {
        content.changed(event.key, undefined);
      }
      this.#cursor = event.cursor;
      this.#brokenSince = undefined;
    }
  }

  /** Reads everything. Changes since the start of the watch wait there, and are applied to what was read. */
  async #scan(): Promise<void> {
    const { storage, prefixes, content } = this.#options;
    const items: Item[] = [];
    for (const prefix of prefixes) {
      for await (const item of storage.range(prefixRange(prefix), { signal: this.#stop.signal })) {
        items.push(item);
      }
    }
    content.replace(items);
  }
}
