import { setImmediate as turn } from "node:timers/promises";
import { compareFailed, hasCode, notFound, type Item, type Revision, type Storage } from "@teleport/plugin";
import type { Flaw } from "./flaw.js";

/** Defects of single items and of conditional writes. */
export const itemFlaws: Flaw[] = [
  {
    name: "an empty value reads as missing",
    caughtBy: /items: an empty value is kept/,
    spoil: (good) => ({
      async get(key) {
        const item = await good.get(key);
        if (item.value.length === 0) throw notFound("missing value");
        return item;
      },
    }),
  },
  {
    name: "values pass through UTF-8",
    caughtBy: /items: every byte is kept/,
    spoil: (good) => ({
      put: (item) => good.put({ ...item, value: Buffer.from(Buffer.from(item.value).toString()) }),
    }),
  },
  {
    name: "a write keeps the caller's buffer",
    caughtBy: /items: the caller may reuse its buffer/,
    spoil: (good) => ({
      async put(item) {
        await turn();
        return good.put(item);
      },
    }),
  },
  {
    name: "revisions are the clock's milliseconds",
    caughtBy: /items: no revision comes twice when the clock steps back/,
    spoil: (good, clock) => ({
      async put(item) {
        await good.put(item);
        return String(clock.now().getTime());
      },
    }),
  },
  {
    name: "keepAlive keeps the revision",
    caughtBy: /items: every write gives a new revision/,
    spoil: (good) => ({
      async keepAlive(key, expires) {
        const { revision } = await good.get(key);
        await good.keepAlive(key, expires);
        return revision;
      },
    }),
  },
  {
    name: "compareAndSwap compares bytes, not revisions",
    caughtBy: /conditions: compareAndSwap notices that equal bytes were written again/,
    spoil(good) {
      const bytesAt = new Map<string, string>();
      const note = async (write: Promise<string>, value: Uint8Array): Promise<string> => {
        bytesAt.set(await write, Buffer.from(value).toString("hex"));
        return write;
      };
      return {
        create: (item) => note(good.create(item), item.value),
        put: (item) => note(good.put(item), item.value),
        async compareAndSwap(item, expected) {
          const now = await good.get(item.key).catch(() => undefined);
          if (!now || bytesAt.get(now.revision) !== bytesAt.get(expected)) throw compareFailed("changed");
          return good.put(item);
        },
      };
    },
  },
  {
    name: "compareAndSwap reads, then writes",
    caughtBy: /conditions: of 50 swaps of one revision one wins/,
    spoil: (good) => ({
      async compareAndSwap(item, expected) {
        const now = await good.get(item.key).catch(() => undefined);
        if (now?.revision !== expected) throw compareFailed("changed");
        await turn();
        return good.put(item);
      },
    }),
  },
  {
    name: "delete ignores the expected revision",
    caughtBy: /conditions: update and delete obey an expected revision/,
    spoil: (good) => ({ delete: (key) => good.delete(key) }),
  },
  {
    name: "get hands out the stored bytes",
    caughtBy: /items: changing what get returned changes nothing stored/,
    spoil(good) {
      const handedOut = new Map<Revision, Item>();
      return {
        async get(key) {
          const item = await good.get(key);
          const same = handedOut.get(item.revision) ?? item;
          handedOut.set(item.revision, same);
          return same;
        },
      };
    },
  },
  {
    name: "revisions start anew when a key is made anew",
    caughtBy: /races: no revision comes again while keys are deleted and made anew \(seed 1\)/,
    spoil(good) {
      const first = new Map<string, Revision>();
      const shown = (item: Item): Item =>
        first.get(item.key) === item.revision ? { ...item, revision: "1" } : item;
      const real = (key: string, revision: Revision): Revision =>
        revision === "1" ? (first.get(key) ?? revision) : revision;
      return {
        async create(item) {
          first.set(item.key, await good.create(item));
          return "1";
        },
        get: async (key) => shown(await good.get(key)),
        compareAndSwap: (item, expected) => good.compareAndSwap(item, real(item.key, expected)),
        delete: (key, expected) =>
          expected === undefined ? good.delete(key) : good.delete(key, real(key, expected)),
      };
    },
  },
  {
    name: "compareAndSwap ignores the revision",
    caughtBy: /locks: a lock that was taken by force is not released by its old holder/,
    spoil: (good) => ({
      compareAndSwap: (item) => good.put(item),
    }),
  },
  {
    name: "a write that is refused has written all the same",
    caughtBy: /races: a write that is refused in a race has written nothing/,
    spoil: (good) => ({
      async update(item, expected) {
        try {
          return await good.update(item, expected);
        } catch (error) {
          if (hasCode(error, "compare_failed")) await good.put(item);
          throw error;
        }
      },
    }),
  },
  {
    name: "update reads, then writes, and brings back what was deleted in between",
    caughtBy: /races: random calls from two handles are linearizable for each key \(seed 1\)/,
    spoil: (good) => ({
      async update(item, expected) {
        const now = await good.get(item.key);
        if (expected !== undefined && now.revision !== expected) throw compareFailed("changed");
        await turn();
        return good.put(item);
      },
    }),
  },
  {
    name: "a handle reads what it remembers",
    caughtBy: /races: what a writer was told is what the next reader sees, on either handle/,
    spoil(good) {
      const remembered = new Map<string, Item>();
      return {
        async get(key) {
          const item = remembered.get(key) ?? (await good.get(key));
          remembered.set(key, item);
          return item;
        },
        put(item) {
          remembered.delete(item.key);
          return good.put(item);
        },
      };
    },
  },
  {
    name: "delete does not say that there was nothing",
    caughtBy: /conditions: of 50 deletes at once one wins/,
    spoil: (good: Storage) => ({
      delete: (key, expected) =>
        good.delete(key, expected).catch((error: unknown) => {
          if (!hasCode(error, "not_found")) throw error;
        }),
    }),
  },
];
