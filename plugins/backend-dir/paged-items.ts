import type { Item } from "@teleport/plugin";

/** Reads the items behind a key, or the first ones; an empty page is the end. */
export type ReadPage = (behind: string | undefined) => Promise<readonly Item[]>;

/**
 * The items of all pages, one after the other. Written out, since an async generator costs each item three promises: of
 * a range of many small items that is half of the time.
 */
export function pagedItems(readPage: ReadPage, signal: AbortSignal | undefined): AsyncIterable<Item> {
  return { [Symbol.asyncIterator]: () => new PagedItems(readPage, signal) };
}

const DONE: IteratorResult<Item> = { done: true, value: undefined };

class PagedItems implements AsyncIterator<Item> {
  #page: readonly Item[] = [];
  #index = 0;
  #behind: string | undefined;
  #isDone = false;
  /** The call before, for callers that do not wait for one before they make the next. */
  #reading: Promise<unknown> | undefined;

  constructor(
    private readonly readPage: ReadPage,
    private readonly signal: AbortSignal | undefined,
  ) {}

  next(): Promise<IteratorResult<Item>> {
    const item = this.#reading === undefined && !this.signal?.aborted ? this.#page[this.#index] : undefined;
    if (item !== undefined && !this.#isDone) {
      this.#index++;
      return Promise.resolve({ done: false, value: item });
    }
    const reading = (this.#reading ?? Promise.resolve()).then(
      () => this.#readOn(),
      () => this.#readOn(),
    );
    this.#reading = reading;
    const settled = (): void => {
      if (this.#reading === reading) this.#reading = undefined;
    };
    reading.then(settled, settled);
    return reading;
  }

  return(): Promise<IteratorResult<Item>> {
    this.#isDone = true;
    this.#page = [];
    return Promise.resolve(DONE);
  }

  async #readOn(): Promise<IteratorResult<Item>> {
    if (this.#isDone) return DONE;
    try {
      this.signal?.throwIfAborted();
      if (this.#index >= this.#page.length) {
        const page = await this.readPage(this.#behind);
        // Ended meanwhile, by the reader or by the signal.
        if (this.#isDone) return DONE;
        this.signal?.throwIfAborted();
        this.#page = page;
        this.#index = 0;
        this.#behind = page.at(-1)?.key;
      }
    } catch (error) {
      this.#isDone = true;
      throw error;
    }
    const item = this.#page[this.#index++];
    if (item !== undefined) return { done: false, value: item };
    this.#isDone = true;
    return DONE;
  }
}
