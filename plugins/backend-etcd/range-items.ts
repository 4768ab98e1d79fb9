import type { Item } from "@teleport/plugin";
import { storageError } from "./failure.js";

/**
 * Yields the items of pages one by one. An iterator written out, since a generator costs several turns of the microtask
 * queue for each item.
 */
export class RangeItems implements AsyncIterableIterator<Item> {
  #pages: AsyncIterator<Item[]> | undefined;
  #page: readonly Item[] = [];
  #index = 0;
  #ended = false;
  #loading: Promise<void> | undefined;

  /** `pages` is called when the first item is asked for. */
  constructor(
    private readonly pages: () => AsyncIterable<Item[]>,
    private readonly signal: AbortSignal | undefined,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Item>> {
    try {
      this.signal?.throwIfAborted();
      while (this.#index >= this.#page.length && !this.#ended) {
        await (this.#loading ??= this.#load());
        this.signal?.throwIfAborted();
      }
    } catch (error) {
      this.#ended = true;
      if (this.signal?.aborted) throw error;
      throw storageError(error);
    }
    if (this.#ended) return { done: true, value: undefined };
    return { done: false, value: this.#page[this.#index++] as Item };
  }

  async return(): Promise<IteratorResult<Item>> {
    this.#ended = true;
    await this.#pages?.return?.();
    return { done: true, value: undefined };
  }

  /** Once for all callers that wait. */
  async #load(): Promise<void> {
    try {
      this.#pages ??= this.pages()[Symbol.asyncIterator]();
      const result = await this.#pages.next();
      if (result.done) this.#ended = true;
      else [this.#page, this.#index] = [result.value, 0];
    } finally {
      this.#loading = undefined;
    }
  }
}
