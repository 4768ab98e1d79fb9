/** Runs tasks one after another per key. */
export interface KeyedMutex {
  /** Waits for the earlier tasks of the key, then runs this one. */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
}

/** A mutex per key. A key costs nothing while no task is waiting. */
export function createKeyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<unknown>>();
  return {
    async run(key, task) {
      const before = tails.get(key) ?? Promise.resolve();
      const mine = before.then(task, task);
      tails.set(key, mine);
      try {
        return await mine;
      } finally {
        if (tails.get(key) === mine) {
          tails.delete(key);
        }
      }
    },
  };
}
