import type { Item } from "@teleport/plugin";

/** A change at a position of the log. Positions start at 1 and grow by one. */
export type Change = { readonly position: number } & (
  { readonly type: "put"; readonly item: Item } | { readonly type: "delete"; readonly key: string }
);

/** The most recent changes of a store, bounded in number, with a way to wait for the next one. */
export class ChangeLog {
  #changes: Change[] = [];
  #last = 0;
  #waiting = new Set<() => void>();

  constructor(private readonly capacity: number) {}

  /** The position of the newest change; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Appends a change and wakes everyone who waits. */
  append(change: { type: "put"; item: Item } | { type: "delete"; key: string }): void {
    this.#last++;
    this.#changes.push({ ...change, position: this.#last });
    // Trimmed in bulk, so that an append costs a constant on average.
    if (this.#changes.length >= 2 * this.capacity) {
      this.#changes.splice(0, this.#changes.length - this.capacity);
    }
    for (const wake of [...this.#waiting]) {
      wake();
    }
  }

  /** The changes behind `position`, or undefined where some of them are gone or `position` is none of this log's. */
  after(position: number): readonly Change[] | undefined {
    const oldest = Math.max(this.#last - this.capacity, 0);
    if (!(position >= oldest && position <= this.#last)) {
      return undefined;
    }
    return position === this.#last ? [] : this.#changes.slice(position - this.#last);
  }

  /** Resolves at the next change or when the signal is aborted. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal?.addEventListener("abort", done, { once: true });
      if (signal?.aborted) {
        done();
      }
    });
  }
}
