import { sizeOf, type Change } from "./change.js";
import { advance, isAtOrBehind, type Position, type Step } from "./position.js";

const MAX_STEPS = 8192;
const MAX_BYTES = 16 * 1024 * 1024;

/** The last steps of the stream, numbered, for all watches of a process; bounded in number and bytes. */
export class ChangeLog {
  readonly #steps: Step<Change>[] = [];
  #bytes = 0;
  /** The number of the first step that is kept, and the position before it. */
  #from = 0;
  readonly #base: Position;
  /** The first record that is kept of each shard whose place before it only an iterator tells. */
  readonly #first = new Map<string, string>();
  /** The position behind the last step. */
  readonly #end: Position;

  constructor(
    start: Position,
    /** The parents of shards, as they become known. */
    private readonly parents: ReadonlyMap<string, string>,
  ) {
    this.#base = new Map(start);
    this.#end = new Map(start);
  }

  /** The number of the next step. */
  get next(): number {
    return this.#from + this.#steps.length;
  }

  /** The position behind the last step. */
  end(): Position {
    return new Map(this.#end);
  }

  append(steps: readonly Step<Change>[]): void {
    for (const step of steps) {
      this.#steps.push(step);
      this.#bytes += size(step);
      if (step.type === "change" && this.#end.get(step.shard)?.at === "iterator") {
        this.#first.set(step.shard, step.sequence);
      }
      advance(this.#end, step);
    }
    let drop = 0;
    for (; this.#steps.length - drop > MAX_STEPS || this.#bytes > MAX_BYTES; drop++) {
      const step = this.#steps[drop] as Step<Change>;
      this.#bytes -= size(step);
      advance(this.#base, step);
    }
    this.#steps.splice(0, drop);
    this.#from += drop;
  }

  /** The steps from a number on; undefined where some of them are not kept any more. */
  since(index: number): readonly Step<Change>[] | undefined {
    return index < this.#from || index > this.next ? undefined : this.#steps.slice(index - this.#from);
  }

  /** The number from which a watch at a position can go on here; undefined where it is too far back. */
  join(position: Position): number | undefined {
    const base: Position = new Map(this.#base);
    for (const [shard, place] of base) {
      const sequence = place.at === "iterator" ? this.#first.get(shard) : undefined;
      // Who has had this record, or a later one, has had all before it.
      if (sequence !== undefined && position.get(shard) !== place) {
        base.set(shard, { at: "sequence", sequence });
      }
    }
    return isAtOrBehind(position, base, this.parents) ? this.#from : undefined;
  }
}

function size(step: Step<Change>): number {
  return step.type === "change" ? sizeOf(step.change) : sizeOf(undefined);
}
