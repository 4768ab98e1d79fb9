import { setImmediate as turn } from "node:timers/promises";
import { errorChain, type Logger, type StorageEvent } from "@teleport/plugin";
import type { Change, Reader } from "./reader.js";

/** Changes kept in memory never take more than this, whatever `buffer_size` says. */
const BUFFER_BYTES = 16 * 1024 * 1024;
/** Events handed out, over all watches, before the event loop gets its turn. */
const EVENTS_PER_TURN = 256;

/**
 * Feeds every watch of this process. New rows of the table `events` are read once into a bounded buffer; a watch that
 * falls behind the buffer reads the table itself, and only one that falls behind the table's purge gets a `reset`.
 */
export class ChangeFeed {
  #buffer: Change[] = [];
  #bytes = 0;
  /** The buffer holds every change with a number in (from, last]. */
  #from = 0;
  #last = 0;
  #watches = 0;
  #pulling = false;
  #delivered = 0;
  #again = false;
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly reader: Reader,
    private readonly bufferSize: number,
    private readonly log: Logger,
  ) {}

  /** Looks for new changes, soon. Cheap; called on every hint that there may be some. */
  wake(): void {
    if (this.#watches === 0) {
      return;
    }
    this.#again = true;
    if (!this.#pulling) {
      this.#pulling = true;
      this.#pull().catch((error: unknown) =>
        this.log.warn("reading changes failed; trying again", { error: errorChain(error) }),
      );
    }
  }

  /** The stream of {@link Storage.watch}, from the moment of this call. */
  watch(
    prefixes: readonly string[],
    cursor: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<StorageEvent> {
    const now = this.reader.journal();
    // Reported by the stream; without anyone reading that, it is nobody's failure.
    now.catch(() => undefined);
    return this.#stream(prefixes, cursor, now, signal);
  }

  async *#stream(
    prefixes: readonly string[],
    cursor: string | undefined,
    now: ReturnType<Reader["journal"]>,
    signal: AbortSignal,
  ): AsyncGenerator<StorageEvent> {
    const { last, purged } = await now;
    const wanted = cursor === undefined ? last : Number(cursor);
    const known = Number.isSafeInteger(wanted) && wanted >= purged && wanted <= last;
    let position = known ? wanted : last;
    yield { type: "init", cursor: String(position) };
    if (!known) {
      yield { type: "reset", cursor: String(position) };
    }
    this.#attach(last);
    try {
      while (!signal.aborted) {
        const changes = this.#buffered(position) ?? (await this.#stored(position, signal));
        if (changes === undefined) {
          position = (await this.reader.journal()).last;
          yield { type: "reset", cursor: String(position) };
          continue;
        }
        for (const change of changes) {
          if (signal.aborted) {
            return;
          }
          position = change.id;
          const key = change.type === "put" ? change.item.key : change.key;
          if (prefixes.some((prefix) => key.startsWith(prefix))) {
            await this.#turnWhenDue();
            yield eventOf(change);
          }
        }
        if (changes.length === 0) {
          await this.#next(signal);
        }
      }
    } catch (error) {
      // Closing the storage ends its watches; it does not break them.
      if (!signal.aborted) {
        throw error;
      }
    } finally {
      this.#watches--;
    }
  }

  #attach(last: number): void {
    if (this.#watches++ === 0 && !this.#pulling) {
      this.#restart(last);
    }
    this.wake();
  }

  #restart(position: number): void {
    this.#buffer = [];
    this.#bytes = 0;
    this.#from = position;
    this.#last = position;
  }

  #buffered(position: number): readonly Change[] | undefined {
    if (position >= this.#last) {
      return [];
    }
    if (position < this.#from) {
      return undefined;
    }
    const index = this.#buffer.findIndex((change) => change.id > position);
    return index === -1 ? [] : this.#buffer.slice(index);
  }

  async #stored(position: number, signal: AbortSignal): Promise<readonly Change[] | undefined> {
    const changes = await this.reader.changes(position);
    // The buffer starts later, so there were changes between: somebody has emptied the table.
    if (changes?.length === 0 && position < this.#from && !signal.aborted) {
      return undefined;
    }
    return changes;
  }

  async #pull(): Promise<void> {
    try {
      while (this.#again && this.#watches > 0) {
        this.#again = false;
        const changes = await this.reader.changes(this.#last);
        if (changes === undefined) {
          this.#restart((await this.reader.journal()).last);
        } else if (changes.length > 0) {
          this.#append(changes);
          this.#again = true;
        }
        for (const wake of [...this.#waiting]) {
          wake();
        }
      }
    } finally {
      // In the same turn as the last look at #again, or a hint in between would be lost.
      this.#pulling = false;
    }
  }

  #append(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#buffer.push(change);
      this.#bytes += sizeOf(change);
      this.#last = change.id;
    }
    let drop = Math.max(this.#buffer.length - this.bufferSize, 0);
    let bytes = this.#buffer.slice(0, drop).reduce((sum, change) => sum + sizeOf(change), 0);
    for (; drop < this.#buffer.length && this.#bytes - bytes > BUFFER_BYTES; drop++) {
      bytes += sizeOf(this.#buffer[drop] as Change);
    }
    const dropped = this.#buffer.splice(0, drop);
    this.#bytes -= bytes;
    this.#from = dropped.at(-1)?.id ?? this.#from;
  }

  /** Lets the event loop go on after every few hundred events, however many watches there are. */
  async #turnWhenDue(): Promise<void> {
    while (this.#delivered >= EVENTS_PER_TURN) {
      await turn();
      this.#delivered = 0;
    }
    this.#delivered++;
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) {
        done();
      }
    });
  }
}

function sizeOf(change: Change): number {
  return change.type === "put" ? change.item.value.length : 0;
}

function eventOf(change: Change): StorageEvent {
  const cursor = String(change.id);
  return change.type === "put"
    ? { type: "put", item: { ...change.item, value: new Uint8Array(change.item.value) }, cursor }
    : { type: "delete", key: change.key, cursor };
}
