import { unavailable, type Storage } from "@teleport/plugin";

/** A storage that can go away: refuse everything, or say nothing at all. */
export interface FailingStorage {
  readonly storage: Storage;
  /** How many calls have reached the storage, in whatever state. */
  calls(): number;
  set(state: "well" | "refusing" | "silent"): void;
}

/** Puts a fault in front of a real storage. Watches that run when it begins to refuse are broken off. */
export function failing(behind: Storage): FailingStorage {
  let state: "well" | "refusing" | "silent" = "well";
  let calls = 0;
  let breakOff: (() => void)[] = [];
  const gone = (): Error => unavailable("the disk is unplugged");
  const call = <T>(work: () => Promise<T>): Promise<T> => {
    calls++;
    if (state === "refusing") return Promise.reject(gone());
    if (state === "silent") return new Promise<T>(() => undefined);
    return work();
  };
  const storage: Storage = {
    capabilities: behind.capabilities,
    create: (item) => call(() => behind.create(item)),
    put: (item) => call(() => behind.put(item)),
    update: (item, expected) => call(() => behind.update(item, expected)),
    compareAndSwap: (item, expected) => call(() => behind.compareAndSwap(item, expected)),
    get: (key) => call(() => behind.get(key)),
    async *range(range, options) {
      await call(() => Promise.resolve());
      yield* behind.range(range, options);
    },
    delete: (key, expected) => call(() => behind.delete(key, expected)),
    deleteRange: (range) => call(() => behind.deleteRange(range)),
    keepAlive: (key, expires) => call(() => behind.keepAlive(key, expires)),
    watch(prefixes, options = {}) {
      const events = behind.watch(prefixes, options)[Symbol.asyncIterator]();
      return {
        [Symbol.asyncIterator]: () => ({
          async next() {
            await call(() => Promise.resolve());
            const broken = new Promise<never>((_, reject) => breakOff.push(() => reject(gone())));
            return Promise.race([events.next(), broken]);
          },
          return: async () => {
            await events.return?.();
            return { done: true, value: undefined };
          },
        }),
      };
    },
    close: () => behind.close(),
  };
  return {
    storage,
    calls: () => calls,
    set(next) {
      state = next;
      if (next !== "refusing") return;
      for (const end of breakOff) end();
      breakOff = [];
    },
  };
}
