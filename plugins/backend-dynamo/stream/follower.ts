import type { Shard } from "@aws-sdk/client-dynamodb-streams";
import type { Clock } from "@teleport/plugin";
import { changeOf, type Change } from "./change.js";
import { advance, type Place, type Position, type Step } from "./position.js";
import { IteratorExpired, MAX_RECORDS, PlaceLost, type Batch, type StreamApi } from "./stream-api.js";

/** How often shards are looked for that no closed one has announced. Describing streams is throttled early. */
const LIST_PERIOD_MS = 60_000;

/** What one look at the stream gave. */
export interface Look {
  readonly steps: readonly Step<Change>[];
  /** Whether there is more to read at once. */
  readonly more: boolean;
}

/**
 * Follows the shards of a stream from a position: each parent to its end before its children, each child from its
 * beginning, so that changes of one item come in order and none is left out at a split. One call at a time.
 */
export class StreamFollower {
  readonly #iterators = new Map<string, string>();
  /** Shards that are read to their end, or lay before the position. */
  readonly #done = new Set<string>();
  /** The parent of each shard that was ever listed. */
  readonly parents = new Map<string, string>();
  #listedMs = 0;

  private constructor(
    private readonly api: StreamApi,
    private readonly clock: Clock,
    /** Where the next look goes on. */
    readonly position: Position,
  ) {}

  /** Starts where the stream ends now; the place in each shard is fixed when this returns. */
  static async fromNow(api: StreamApi, clock: Clock): Promise<StreamFollower> {
    const follower = new StreamFollower(api, clock, new Map());
    const shards = await follower.#list();
    await Promise.all(
      shards.map(async ({ ShardId = "", SequenceNumberRange }) => {
        if (SequenceNumberRange?.EndingSequenceNumber !== undefined) {
          follower.#done.add(ShardId);
          return;
        }
        const iterator = await api.iterator(ShardId, { at: "iterator", iterator: undefined });
        follower.#iterators.set(ShardId, iterator);
        follower.position.set(ShardId, { at: "iterator", iterator });
      }),
    );
    return follower;
  }

  /** Goes on from a position. Throws {@link PlaceLost} where a shard of it is gone. */
  static async from(api: StreamApi, clock: Clock, position: Position): Promise<StreamFollower> {
    const follower = new StreamFollower(api, clock, new Map(position));
    const shards = await follower.#list();
    const listed = new Map(shards.map((shard) => [shard.ShardId ?? "", shard]));
    for (const [id, place] of position) {
      const hasChildren = [...follower.parents.values()].includes(id);
      const shard = listed.get(id);
      if (!shard && !(place.at === "ended" && hasChildren)) {
        throw new PlaceLost(`shard ${id} is trimmed`);
      }
      follower.position.set(id, exact(place, shard));
    }
    for (const id of listed.keys()) {
      if (!position.has(id) && !follower.#descends(id)) {
        follower.#done.add(id);
      }
    }
    return follower;
  }

  /** Reads the next batch of every open shard. Throws {@link PlaceLost} where changes are lost. */
  async look(): Promise<Look> {
    const steps: Step<Change>[] = [];
    const open = [...this.position].filter(([, place]) => place.at !== "ended");
    const batches = await Promise.all(open.map(([shard, place]) => this.#read(shard, place)));
    let more = false;
    open.forEach(([shard, place], n) => {
      const batch = batches[n];
      more = (batch ? this.#take(shard, place, batch, steps) : true) || more;
    });
    const ended = [...this.position].some(([, place]) => place.at === "ended");
    if (ended || this.clock.now().getTime() - this.#listedMs >= LIST_PERIOD_MS) {
      more = this.#place(await this.#list(), steps) || more;
    }
    return { steps, more };
  }

  /** The next batch of a shard; undefined where its iterator has to be made anew. */
  async #read(shard: string, place: Place): Promise<Batch | undefined> {
    const iterator = this.#iterators.get(shard) ?? (await this.api.iterator(shard, place));
    this.#iterators.set(shard, iterator);
    try {
      return await this.api.records(iterator);
    } catch (error) {
      if (!(error instanceof IteratorExpired)) {
        throw error;
      }
      if (place.at === "iterator") {
        throw new PlaceLost(`the place in shard ${shard} was known to an iterator only, which expired`);
      }
      this.#iterators.delete(shard);
      return undefined;
    }
  }

  /** Takes up a batch. The last one of a closing shard may hold records, too. Returns whether there is more. */
  #take(shard: string, place: Place, { records, next }: Batch, steps: Step<Change>[]): boolean {
    for (const record of records) {
      const sequence = record.dynamodb?.SequenceNumber ?? "";
      this.#step({ type: "change", shard, sequence, change: changeOf(record) }, steps);
    }
    if (next === undefined) {
      this.#iterators.delete(shard);
      this.#step({ type: "ended", shard }, steps);
      return true;
    }
    this.#iterators.set(shard, next);
    if (place.at === "iterator" && records.length === 0) {
      place.iterator = next;
    }
    return records.length >= MAX_RECORDS;
  }

  /** Starts with shards whose turn has come. Returns whether there are any. */
  #place(shards: readonly Shard[], steps: Step<Change>[]): boolean {
    const before = steps.length;
    const ids = shards.map(({ ShardId = "" }) => ShardId);
    for (const [shard, { at }] of [...this.position]) {
      const children = ids.filter((id) => this.parents.get(id) === shard);
      if (at === "ended" && children.length > 0) {
        this.#done.add(shard);
        this.#step({ type: "split", shard, children }, steps);
      }
    }
    for (const shard of ids) {
      const parent = this.parents.get(shard);
      const waits = parent !== undefined && (this.position.has(parent) || this.#descends(shard));
      if (!this.#done.has(shard) && !this.position.has(shard) && !waits) {
        this.#step({ type: "found", shard }, steps);
      }
    }
    return steps.length > before;
  }

  #step(step: Step<Change>, steps: Step<Change>[]): void {
    advance(this.position, step);
    steps.push(step);
  }

  async #list(): Promise<Shard[]> {
    const shards = await this.api.shards();
    this.#listedMs = this.clock.now().getTime();
    for (const { ShardId, ParentShardId } of shards) {
      if (ShardId !== undefined && ParentShardId !== undefined) {
        this.parents.set(ShardId, ParentShardId);
      }
    }
    return shards;
  }

  /** Whether a shard comes from one that is followed now. */
  #descends(shard: string): boolean {
    const seen = new Set<string>();
    for (let up = this.parents.get(shard); up !== undefined && !seen.has(up); up = this.parents.get(up)) {
      if (this.position.has(up)) {
        return true;
      }
      seen.add(up);
    }
    return false;
  }
}

/** From a cursor, a beginning is asked for by its number: if it was trimmed since, the service says so. */
function exact(place: Place, shard: Shard | undefined): Place {
  const first = shard?.SequenceNumberRange?.StartingSequenceNumber;
  return place.at === "start" && first !== undefined ? { at: "first", sequence: first } : place;
}
