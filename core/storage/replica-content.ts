import { compareKeys } from "./key-order.js";
import type { Item, KeyRange } from "@teleport/plugin";

/** Says of a key whether the replica answers for it. */
export type KeyTest = (key: string) => boolean;

/** A copy of part of a store's items, in memory. */
export class ReplicaContent {
  #items = new Map<string, Item>();
  /** The keys in order, until the next change of their set. */
  #order: readonly string[] | undefined;
  /** Own writes under way, by key: whether a change of the key has arrived since they began. */
  readonly #writes = new Map<string, Set<{ overtaken: boolean }>>();

  constructor(private readonly holds: KeyTest) {}

  /** Puts all new items in place of the old ones. */
  replace(items: Iterable<Item>): void {
    this.#items = new Map();
    for (const item of items) if (this.holds(item.key)) this.#items.set(item.key, item);
    this.#order = undefined;
    for (const writes of this.#writes.values()) for (const write of writes) write.overtaken = true;
  }

  /** Applies a change that the store has reported. */
  changed(key: string, item: Item | undefined): void {
    if (!this.holds(key)) return;
    for (const write of this.#writes.get(key) ?? []) write.overtaken = true;
    this.#set(key, item);
  }

  /**
   * Notes that this process writes a key. The returned function applies what was written, unless the store has reported
   * a change of the key meanwhile, which may be the later one.
   */
  writing(key: string): { done(change?: (before: Item | undefined) => Item | undefined): void } {
    const write = { overtaken: !this.holds(key) };
    const writes = this.#writes.get(key) ?? new Set();
    this.#writes.set(key, writes.add(write));
    return {
      done: (change) => {
        writes.delete(write);
        if (writes.size === 0) this.#writes.delete(key);
        if (change && !write.overtaken) this.#set(key, change(this.#items.get(key)));
      },
    };
  }

  /** Removes what this process has removed from the store. */
  removed({ start, end }: KeyRange): void {
    for (const key of this.#keys({ start, end })) this.#set(key, undefined);
  }

  /** The item with a key that is alive by `isAlive`. */
  get(key: string, isAlive: (item: Item) => boolean): Item | undefined {
    const item = this.#items.get(key);
    return item && isAlive(item) ? item : undefined;
  }

  /** The items of a range in key order, as they are now. */
  range(range: KeyRange, isAlive: (item: Item) => boolean): Item[] {
    return this.#keys(range).flatMap((key) => this.get(key, isAlive) ?? []);
  }

  #set(key: string, item: Item | undefined): void {
    if (item === undefined) {
      if (this.#items.delete(key)) this.#order = undefined;
      return;
    }
    if (!this.#items.has(key)) this.#order = undefined;
    this.#items.set(key, item);
  }

  #keys({ start, end }: KeyRange): readonly string[] {
    this.#order ??= [...this.#items.keys()].sort(compareKeys);
    return this.#order.slice(firstFrom(this.#order, start), firstFrom(this.#order, end));
  }
}

/** The index of the first key that is not before `bound`. */
function firstFrom(keys: readonly string[], bound: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle]!, bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
