import type { Storage } from "@teleport/plugin";

const MUTATIONS = [
  "create",
  "put",
  "update",
  "compareAndSwap",
  "delete",
  "deleteRange",
  "keepAlive",
] as const;

/**
 * A host's life, measured in its writes to any store: with its last one it dies, as by SIGKILL. What it calls afterwards
 * is neither done nor answered. `done` says whether the last write itself still reaches the store.
 */
export class Life {
  /** Writes that were begun. */
  writes = 0;
  #isOver = false;
  #end: () => void = () => undefined;
  readonly over = new Promise<void>((resolve) => (this.#end = resolve));

  /** `isLast` gets the number of a write, from 1, and what is written. */
  constructor(
    private readonly isLast: (write: number, what: unknown) => boolean = () => false,
    private readonly done = true,
  ) {}

  /** A store as this host sees it. */
  of(storage: Storage): Storage {
    const view = Object.create(storage) as Storage;
    const never = new Promise<never>(() => undefined);
    for (const verb of MUTATIONS) {
      const call = storage[verb].bind(storage) as (...args: unknown[]) => Promise<never>;
      Object.assign(view, {
        [verb]: (...args: unknown[]): Promise<never> => {
          if (this.#isOver) return never;
          this.#isOver = this.isLast(++this.writes, args[0]);
          if (!this.#isOver) return call(...args);
          if (this.done) void call(...args).catch(() => undefined);
          this.#end();
          return never;
        },
      });
    }
    view.get = (key) => (this.#isOver ? never : storage.get(key));
    view.range = (range, options) => this.#mortal(storage.range(range, options), never);
    view.watch = (prefixes, options) => this.#mortal(storage.watch(prefixes, options), never);
    Object.defineProperty(view, "capabilities", { value: storage.capabilities });
    view.close = () => storage.close();
    return view;
  }

  async *#mortal<T>(source: AsyncIterable<T>, never: Promise<never>): AsyncGenerator<T> {
    for await (const entry of source) {
      if (this.#isOver) await never;
      yield entry;
    }
  }
}
