import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { errorChain, type Clock, type Logger, type StorageEvent } from "@teleport/plugin";
import { backoffMs } from "../backoff.js";
import type { Change } from "./change.js";
import { ChangeLog } from "./change-log.js";
import { readCursor, writeCursor, type CursorContent } from "./cursor.js";
import { StreamFollower } from "./follower.js";
import { advance, type Position, type Step } from "./position.js";
import { PlaceLost, type StreamApi } from "./stream-api.js";

/** Events handed out, over all watches, before the event loop gets its turn. */
const EVENTS_PER_TURN = 256;
/** Writes wait for a watch that begins to find its place no longer than this. */
const MAX_HOLD_MS = 2000;

/** What a feed needs. */
export interface FeedOptions {
  /** Finds the stream of the table as it is now, and gives the calls on it. */
  readonly openStream: () => Promise<StreamApi>;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often the stream is looked at while nothing happens; twice as often while something does. */
  readonly pollPeriodMs: number;
  /** The longest wait after failures. */
  readonly retryPeriodMs: number;
  /** Is told of every change once, whether anybody watches or not. */
  readonly onChange: (change: Change) => void;
  readonly signal: AbortSignal;
}

/** One uninterrupted run over the stream. After a gap there is a new one. */
interface Run {
  readonly id: string;
  readonly api: StreamApi;
  readonly follower: StreamFollower;
  readonly log: ChangeLog;
}

/** A watch that waits until the feed has read all that was there when it began. */
interface Settling {
  readonly done: () => void;
  /** Resolves when that is so, or when writes have waited for it long enough. */
  readonly released: Promise<void>;
  isDone: boolean;
  /** Whether a write went ahead before. */
  isLate: boolean;
}

/**
 * Reads the stream once for all watches of this process. A watch begins behind everything that was written before it:
 * the feed first reads what there is, and this process's own writes wait for that moment. A watch that resumes, or that
 * falls behind the log, reads the stream by itself until it has caught up; where that cannot be it gets a `reset`.
 */
export class ChangeFeed {
  #run!: Run;
  /** Those that wait for the next look, and all, those of the present look included. */
  #settling: Settling[] = [];
  readonly #unsettled = new Set<Settling>();
  #wakePoll: () => void = () => undefined;
  #delivered = 0;
  /** A write of this process is in the stream soon. */
  #expecting = false;
  readonly #waiting = new Set<() => void>();

  constructor(private readonly options: FeedOptions) {}

  /** Fixes the first position. Throws `unavailable`. */
  async open(): Promise<void> {
    this.#run = await this.#begin();
    this.options.signal.addEventListener("abort", () => this.#wakePoll(), { once: true });
    void this.#poll();
  }

  /** Waits until the watches that have begun have found their place. Every write of this process asks before it starts. */
  async beforeWrite(): Promise<void> {
    for (const settling of [...this.#unsettled]) {
      await settling.released;
      settling.isLate ||= !settling.isDone;
    }
  }

  /** This process has written: the change is looked for sooner. */
  afterWrite(): void {
    if (!this.#expecting) {
      this.#expecting = true;
      this.#wakePoll();
    }
  }

  /** The stream of {@link Storage.watch}, from the moment of this call. */
  watch(
    prefixes: readonly string[],
    cursor: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<StorageEvent> {
    const content = cursor === undefined ? undefined : readCursor(cursor);
    const settled = content ? Promise.resolve(false) : this.#settle();
    return this.#stream(prefixes, cursor !== undefined, content, settled, signal);
  }

  async *#stream(
    prefixes: readonly string[],
    resumes: boolean,
    content: CursorContent | undefined,
    settled: Promise<boolean>,
    signal: AbortSignal,
  ): AsyncGenerator<StorageEvent> {
    const late = await settled;
    if (this.options.signal.aborted) {
      return;
    }
    const place = new WatchPlace(this.#run);
    if (content) {
      place.resume(content);
    }
    yield { type: "init", cursor: place.cursor() };
    if ((resumes && !content) || late) {
      yield await this.#reset(place);
    }
    try {
      while (!signal.aborted) {
        const steps = await this.#next(place, signal);
        if (steps === undefined) {
          yield await this.#reset(place);
          continue;
        }
        for (const step of steps) {
          if (signal.aborted) {
            return;
          }
          const change = place.take(step);
          if (change && prefixes.some((prefix) => keyOf(change).startsWith(prefix))) {
            await this.#turnWhenDue();
            yield eventOf(change, place.cursor());
          }
        }
        if (steps.length === 0) {
          await this.#wait(place, signal);
        }
      }
    } catch (error) {
      // Closing the storage ends its watches; it does not break them.
      if (!signal.aborted) {
        throw error;
      }
    } finally {
      place.leave();
    }
  }

  /** The steps that come next for a watch; undefined where they are lost. */
  async #next(place: WatchPlace, signal: AbortSignal): Promise<readonly Step<Change>[] | undefined> {
    const run = this.#run;
    if (place.index !== undefined && place.run === run) {
      const steps = run.log.since(place.index);
      if (steps) {
        return steps;
      }
    }
    // Of another run, or too far back: by its position it may still be found in the log, or read from the stream.
    if (place.position.size === 0 || place.arn !== run.api.arn) {
      return undefined;
    }
    const index = run.log.join(place.position);
    if (index !== undefined) {
      place.join(run, index);
      return run.log.since(index);
    }
    place.leave();
    try {
      const { steps } = await this.#catchUp(place, run, signal);
      return steps;
    } catch (error) {
      if (error instanceof PlaceLost) {
        this.options.log.debug("a watch cannot go on where it was", { error: errorChain(error) });
        return undefined;
      }
      throw error;
    }
  }

  /** One look of a watch that reads the stream by itself. */
  async #catchUp(
    place: WatchPlace,
    run: Run,
    signal: AbortSignal,
  ): Promise<{ steps: readonly Step<Change>[] }> {
    const { clock, pollPeriodMs } = this.options;
    place.own ??= await StreamFollower.from(run.api, clock, place.position);
    const { steps } = await place.own.look();
    if (steps.length === 0) {
      await clock.sleep(pollPeriodMs, signal);
    }
    return { steps };
  }

  /** Places a watch behind everything that is there now. */
  async #reset(place: WatchPlace): Promise<StorageEvent> {
    await this.#settle();
    place.restart(this.#run);
    return { type: "reset", cursor: place.cursor() };
  }

  /** Resolves when all that is in the stream at the call is in the log; true where own writes did not wait for it. */
  #settle(): Promise<boolean> {
    const over = new AbortController();
    return new Promise((resolve) => {
      const settling: Settling = {
        released: this.options.clock.sleep(MAX_HOLD_MS, over.signal).catch(() => undefined),
        isDone: false,
        isLate: false,
        done: () => {
          settling.isDone = true;
          this.#unsettled.delete(settling);
          over.abort();
          resolve(settling.isLate);
        },
      };
      this.#settling.push(settling);
      this.#unsettled.add(settling);
      this.#wakePoll();
      if (this.options.signal.aborted) {
        settling.done();
      }
    });
  }

  /** Looks at the stream again and again. */
  async #poll(): Promise<void> {
    const { signal, log, retryPeriodMs } = this.options;
    for (let failures = 0; !signal.aborted;) {
      // Who comes during a look waits for the next one: this one may have begun before.
      const settling = this.#settling;
      this.#settling = [];
      const expected = this.#expecting;
      this.#expecting = false;
      let found = 0;
      try {
        found = await this.#look();
        failures = 0;
        settling.forEach(({ done }) => done());
      } catch (error) {
        this.#settling.unshift(...settling);
        if (signal.aborted) {
          break;
        }
        if (error instanceof PlaceLost) {
          log.warn("changes of the DynamoDB stream are lost: all watches begin anew", {
            error: errorChain(error),
          });
          await this.#beginAnew();
          continue;
        }
        failures++;
        log.warn("reading the DynamoDB stream failed; trying again", { error: errorChain(error) });
        await this.options.clock.sleep(backoffMs(failures + 4, retryPeriodMs), signal).catch(() => undefined);
        continue;
      }
      await this.#pause(found > 0 || expected);
    }
    this.#settling.splice(0).forEach(({ done }) => done());
    this.#wake();
  }

  /** Reads until the end of what is there. Returns how many steps there were. */
  async #look(): Promise<number> {
    const { follower, log } = this.#run;
    let found = 0;
    for (let more = true; more && !this.options.signal.aborted;) {
      const look = await follower.look();
      more = look.more;
      found += look.steps.length;
      log.append(look.steps);
      for (const step of look.steps) {
        if (step.type === "change" && step.change) {
          this.options.onChange(step.change);
        }
      }
      if (look.steps.length > 0) {
        this.#wake();
      }
    }
    return found;
  }

  async #begin(): Promise<Run> {
    const api = await this.options.openStream();
    const follower = await StreamFollower.fromNow(api, this.options.clock);
    const log = new ChangeLog(follower.position, follower.parents);
    return { id: randomUUID(), api, follower, log };
  }

  async #beginAnew(): Promise<void> {
    const { signal, clock, log, retryPeriodMs } = this.options;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        this.#run = await this.#begin();
        this.#wake();
        return;
      } catch (error) {
        log.warn("finding the DynamoDB stream failed; trying again", { error: errorChain(error) });
        await clock.sleep(backoffMs(failures + 4, retryPeriodMs), signal).catch(() => undefined);
      }
    }
  }

  /** Waits for the next look; a watch that begins ends the wait, and a write shortens it. */
  async #pause(busy: boolean): Promise<void> {
    const { clock, signal, pollPeriodMs } = this.options;
    const started = performance.now();
    for (let over = false; !over && !signal.aborted && this.#settling.length === 0;) {
      const dueMs =
        (busy || this.#expecting ? pollPeriodMs / 2 : pollPeriodMs) - (performance.now() - started);
      if (dueMs <= 0) {
        break;
      }
      const woken = new AbortController();
      this.#wakePoll = () => woken.abort();
      over = await clock.sleep(dueMs, woken.signal).then(
        () => true,
        () => false,
      );
      this.#wakePoll = () => undefined;
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) {
      wake();
    }
  }

  /** Lets the event loop go on after every few hundred events, however many watches there are. */
  async #turnWhenDue(): Promise<void> {
    while (this.#delivered >= EVENTS_PER_TURN) {
      await turn();
      this.#delivered = 0;
    }
    this.#delivered++;
  }

  /** Waits until there is something new; a watch that reads by itself has waited already. */
  #wait(place: WatchPlace, signal: AbortSignal): Promise<void> {
    if (place.own || place.run !== this.#run || this.#run.log.next !== place.index) {
      return Promise.resolve();
    }
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

/** Where one watch stands. */
class WatchPlace {
  position: Position;
  /** The number of the next step in the log of {@link run}; undefined while the watch reads by itself. */
  index: number | undefined;
  /** The follower of a watch that reads by itself. */
  own: StreamFollower | undefined;
  arn: string;

  constructor(public run: Run) {
    this.position = run.log.end();
    this.index = run.log.next;
    this.arn = run.api.arn;
  }

  resume({ arn, position, run, index }: CursorContent): void {
    this.position = position;
    this.arn = arn;
    const known = run === this.run.id && this.run.log.since(index) !== undefined;
    this.index = known ? index : undefined;
    const end = this.run.log.end();
    for (const [shard, place] of known ? [...position] : []) {
      const live = end.get(shard);
      // Nothing has come since: the feed goes on renewing that iterator.
      if (place.at === "iterator" && live?.at === "iterator") {
        position.set(shard, live);
      }
    }
  }

  restart(run: Run): void {
    this.position = run.log.end();
    this.arn = run.api.arn;
    this.join(run, run.log.next);
  }

  join(run: Run, index: number): void {
    this.run = run;
    this.index = index;
    this.own = undefined;
  }

  leave(): void {
    this.index = undefined;
  }

  /** Moves over a step. Gives the change where the watch has not had it yet. */
  take(step: Step<Change>): Change | undefined {
    if (this.index !== undefined) {
      this.index++;
    }
    const isNew = advance(this.position, step);
    return isNew && step.type === "change" ? step.change : undefined;
  }

  cursor(): string {
    const { arn, position, run, index } = this;
    return writeCursor({ arn, position, run: index === undefined ? "" : run.id, index: index ?? 0 });
  }
}

function keyOf(change: Change): string {
  return change.type === "put" ? change.item.key : change.key;
}

function eventOf(change: Change, cursor: string): StorageEvent {
  return change.type === "put"
    ? { type: "put", item: { ...change.item, value: new Uint8Array(change.item.value) }, cursor }
    : { type: "delete", key: change.key, cursor };
}
