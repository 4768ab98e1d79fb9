import { unavailable, type Clock, type Storage } from "@teleport/plugin";
import { createMemoryStorage } from "../../../../core/storage/memory-storage.js";

/** A store in memory that several handles share, as they would a server, and that can be away. */
export class SharedMemory {
  readonly #store: Storage;
  #away = false;

  constructor(clock: Clock) {
    this.#store = createMemoryStorage(clock);
  }

  /** Lets every handle fail as long as the function runs. */
  async outage(during: () => Promise<void>): Promise<void> {
    this.#away = true;
    try {
      await during();
    } finally {
      this.#away = false;
    }
  }

  /** Opens a handle; closing it leaves the others alone. */
  open(): Storage {
    const closed = new AbortController();
    const store = this.#store;
    const check = (): void => {
      if (closed.signal.aborted) throw unavailable("the storage is closed");
      if (this.#away) throw unavailable("the server is away");
    };
    const checked =
      <A extends unknown[], T>(verb: (...args: A) => Promise<T>) =>
      async (...args: A): Promise<T> => {
        check();
        return verb.apply(store, args);
      };
    return {
      capabilities: store.capabilities,
      create: checked(store.create.bind(store)),
      put: checked(store.put.bind(store)),
      update: checked(store.update.bind(store)),
      compareAndSwap: checked(store.compareAndSwap.bind(store)),
      get: checked(store.get.bind(store)),
      delete: checked(store.delete.bind(store)),
      deleteRange: checked(store.deleteRange.bind(store)),
      keepAlive: checked(store.keepAlive.bind(store)),
      async *range(range, options) {
        check();
        for await (const item of store.range(range, options)) {
          check();
          yield item;
        }
      },
      watch(prefixes, options = {}) {
        check();
        const signals = [closed.signal, ...(options.signal ? [options.signal] : [])];
        return store.watch(prefixes, { ...options, signal: AbortSignal.any(signals) });
      },
      close: async () => closed.abort(),
    };
  }
}
