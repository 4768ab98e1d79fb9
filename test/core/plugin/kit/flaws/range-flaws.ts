import { prefixRange, limitExceeded, type Item } from "@teleport/plugin";
import type { Flaw } from "./flaw.js";

/** Defects of ranges, pages and sizes. */
export const rangeFlaws: Flaw[] = [
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
    name: "pages overlap",
    caughtBy: /paging: a long range is whole and in order/,
    spoil: (good) => ({
      async *range(...args) {
        let count = 0;
        for await (const item of good.range(...args)) {
          yield item;
          if (++count % 500 === 0) yield item;
        }
      },
    }),
  },
  {
    name: "pages are counted, so that a delete shifts the next one",
    caughtBy: /paging: a long range is whole and in order/,
    spoil: (good) => ({
      async *range(range, options) {
        for (let from = 0; ;) {
          const all: Item[] = [];
          for await (const item of good.range(range, options)) all.push(item);
          const page = all.slice(from, from + 500);
          if (page.length === 0) return;
          yield* page;
          from += page.length;
        }
      },
    }),
  },
  {
    name: "deleteRange stops after 25 items",
    caughtBy: /paging: deleteRange removes 24, 25, 26, 100 and 101 items alike/,
    spoil: (good) => ({
      async deleteRange(range) {
        let count = 0;
        for await (const { key } of good.range(range)) {
          if (count++ < 25) await good.delete(key);
        }
        return count;
      },
    }),
  },
  {
    name: "deleteRange reaches into names that start alike",
    caughtBy: /ranges: deleteRange of one user leaves those whose name starts alike/,
    spoil: (good) => ({
      deleteRange: ({ start }) => good.deleteRange(prefixRange(start.replace(/\/$/, ""))),
    }),
  },
  {
    name: "a range does not look at its signal",
    caughtBy: /faults: a range with an aborted signal yields nothing/,
    spoil: (good) => ({ range: (range) => good.range(range) }),
  },
  {
    name: "large values are cut",
    caughtBy: /sizes: a value of the largest size is kept/,
    spoil: (good) => ({
      create: (item) => good.create({ ...item, value: item.value.subarray(0, 1 << 20) }),
    }),
  },
  {
    name: "a value that is too large is put in part before it is refused",
    caughtBy: /sizes: a value above the largest size is limit_exceeded for every verb and changes nothing/,
    spoil: (good) => ({
      async put(item) {
        const { maxValueBytes } = good.capabilities;
        if (item.value.length <= maxValueBytes) return good.put(item);
        await good.put({ ...item, value: item.value.subarray(0, maxValueBytes) });
        throw limitExceeded("too large");
      },
    }),
  },
  {
    name: "the length of a key is counted in letters",
    caughtBy: /sizes: the length of a key is counted in bytes, not in letters/,
    spoil: (good) => ({
      put: (item) =>
        good.put(
          Buffer.byteLength(item.key) > 4096 && item.key.length <= 4096 ? { ...item, key: "/long" } : item,
        ),
    }),
  },
];
