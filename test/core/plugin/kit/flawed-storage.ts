import { setImmediate as turn } from "node:timers/promises";
import {
  alreadyExists,
  compareFailed,
  notFound,
  type Item,
  type Storage,
  type StorageEvent,
} from "@teleport/plugin";
import type { ManualClock } from "../../../../core/plugin/kit/manual-clock.js";
import { createMemoryStorage } from "../../../../core/storage/memory-storage.js";

/** A defect that a backend might have. */
export interface Flaw {
  readonly name: string;
  /** Which case of the kit must find it. */
  readonly caughtBy: RegExp;
  /** Methods that replace those of a correct storage. */
  readonly spoil: (good: Storage, clock: ManualClock) => Partial<Storage>;
}

/** A storage that is correct but for one flaw. */
export function flawedStorage(flaw: Flaw, clock: ManualClock): Storage {
  const good = createMemoryStorage(clock);
  const spoiled = flaw.spoil(good, clock);
  return new Proxy(good, {
    get(target, name) {
      const member: unknown = Reflect.get(name in spoiled ? spoiled : target, name);
      return typeof member === "function"
        ? (member.bind(name in spoiled ? spoiled : target) as unknown)
        : member;
    },
  });
}

/** Defects that backends really had, 4.2's among them, and some that are easily made. */
export const flaws: Flaw[] = [
  {
    name: "the end of a range is included",
    caughtBy: /ranges: the start is included and the end is not/,
    spoil: (good) => ({ range: ({ start, end }) => good.range({ start, end: `${end}\0` }) }),
  },
  {
    name: "a range stops silently after 1,000 items",
    caughtBy: /ranges: 2,100 items/,
    spoil: (good) => ({
      async *range(range) {
        let count = 0;
        for await (const item of good.range(range)) {
          if (count++ < 1000) yield item;
        }
      },
    }),
  },
  {
    name: "a range stops after the first megabyte",
    caughtBy: /ranges: 3 MB/,
    spoil: (good) => ({
      async *range(range) {
        let size = 0;
        for await (const item of good.range(range)) {
          if ((size += item.value.length) < 1_000_000) yield item;
        }
      },
    }),
  },
  {
    name: "keys sort by UTF-16 code units",
    caughtBy: /ranges: items come in the order/,
    spoil: (good) => ({
      async *range(range) {
        const items: Item[] = [];
        for await (const item of good.range(range)) items.push(item);
        yield* items.sort((a, b) => (a.key < b.key ? -1 : 1));
      },
    }),
  },
  {
    name: "expired items stay until a sweep that never comes",
    caughtBy: /expiry: an item is there before its time and gone after it/,
    spoil: (good) => ({ put: ({ key, value }) => good.put({ key, value }) }),
  },
  {
    name: "an expired item blocks create",
    caughtBy: /expiry: create succeeds over an expired item/,
    spoil(good) {
      const written = new Set<string>();
      return {
        put: (item) => (written.add(item.key), good.put(item)),
        async create(item) {
          if (written.has(item.key)) throw alreadyExists(item.key);
          return good.create(item);
        },
      };
    },
  },
  {
    name: "a write without expiry keeps the old one",
    caughtBy: /expiry: a write without expiry takes an earlier one away/,
    spoil: (good) => ({
      async update(item, expected) {
        const { expires } = await good.get(item.key);
        return good.update({ ...(expires && { expires }), ...item }, expected);
      },
    }),
  },
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
    name: "deleteRange counts nothing",
    caughtBy: /ranges: deleteRange removes what range yields/,
    spoil: (good) => ({
      async deleteRange(range) {
        await good.deleteRange(range);
        return 0;
      },
    }),
  },
  {
    name: "a watch starts when it is first read",
    caughtBy: /watch: a watch sees nothing from before its start, and all from right after it/,
    spoil: (good) => ({
      async *watch(prefixes, options) {
        yield* good.watch(prefixes, options);
      },
    }),
  },
  {
    name: "a watch replays the event before its start",
    caughtBy: /watch: a watch sees nothing from before its start/,
    spoil(good) {
      let before: string | undefined;
      return {
        async put(item) {
          for await (const init of good.watch([])) {
            before = init.cursor;
            break;
          }
          return good.put(item);
        },
        watch: (prefixes, options) => good.watch(prefixes, { cursor: before, ...options }),
      };
    },
  },
  {
    name: "a watch forgets deletes",
    caughtBy: /watch: a watch yields every kind of change/,
    spoil: (good) => ({
      watch: (...args) => filtered(good.watch(...args), (event) => event.type !== "delete"),
    }),
  },
  {
    name: "a watch yields every change twice",
    caughtBy: /watch: a watch yields its prefixes only, and each change once/,
    spoil: (good) => ({
      watch: (...args) => repeated(good.watch(...args)),
    }),
  },
  {
    name: "a resumed watch starts now",
    caughtBy: /watch: a resumed watch yields exactly what came behind its cursor/,
    spoil: (good) => ({
      watch: (prefixes, { signal } = {}) => good.watch(prefixes, { signal }),
    }),
  },
  {
    name: "a slow consumer loses changes without a reset",
    caughtBy: /watch: a consumer that is away for 6,000 changes/,
    spoil: (good) => ({
      watch: (...args) => filtered(good.watch(...args), (event) => event.type !== "reset"),
    }),
  },
  {
    name: "close leaves watches open",
    caughtBy: /life: close ends the watches/,
    spoil: (good) => ({
      async *watch(prefixes, options) {
        yield* good.watch(prefixes, options);
        await new Promise((resolve) => options?.signal?.addEventListener("abort", resolve));
      },
    }),
  },
  {
    name: "a closed storage says not_found",
    caughtBy: /life: after close everything is unavailable/,
    spoil: (good) => ({
      get: (key) =>
        good.get(key).catch(() => {
          throw notFound(key);
        }),
    }),
  },
  {
    name: "writes hold up the event loop",
    caughtBy: /event loop: 1,000 writes/,
    spoil: (good) => ({
      put(item) {
        for (const end = performance.now() + 0.2; performance.now() < end;);
        return good.put(item);
      },
    }),
  },
];

async function* filtered(
  events: AsyncIterable<StorageEvent>,
  keep: (event: StorageEvent) => boolean,
): AsyncIterable<StorageEvent> {
  for await (const event of events) {
    if (keep(event)) yield event;
  }
}

async function* repeated(events: AsyncIterable<StorageEvent>): AsyncIterable<StorageEvent> {
  for await (const event of events) {
    yield event;
    if (event.type === "put") yield event;
  }
}
