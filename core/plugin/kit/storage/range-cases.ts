import assert from "node:assert/strict";
import { bytes, collect, rejectsWith, text, type StorageTrial } from "./trial.js";
import type { Storage } from "../../storage.js";

const ALL = { start: "/kit/", end: "/kit0" };

/** Ranges: bounds, order, paging without a silent limit. */
export const rangeCases: StorageTrial[] = [
  {
    name: "the start is included and the end is not",
    async run({ storage }) {
      await fill(storage, ["/kit/a", "/kit/b", "/kit/c", "/kit/d"]);
      assert.deepEqual(await keys(storage, "/kit/b", "/kit/d"), ["/kit/b", "/kit/c"]);
    },
  },
  {
    name: "empty and reversed ranges yield nothing",
    async run({ storage }) {
      await fill(storage, ["/kit/a", "/kit/b"]);
      assert.deepEqual(await keys(storage, "/kit/c", "/kit/d"), []);
      assert.deepEqual(await keys(storage, "/kit/a", "/kit/a"), []);
      assert.deepEqual(await keys(storage, "/kit/b", "/kit/a"), []);
    },
  },
  {
    name: "items come in the order of their keys' UTF-8 bytes",
    async run({ storage }) {
      const sorted = [
        "/kit/A",
        "/kit/a",
        "/kit/a-",
        "/kit/a/b",
        "/kit/a0",
        "/kit/aa",
        "/kit/é",
        "/kit/\uff5e",
        "/kit/😀",
      ];
      await fill(storage, [...sorted].reverse());
      assert.deepEqual(await keys(storage, "/kit/", "/kiu"), sorted);
    },
  },
  {
    name: "2,100 items are all yielded, once each",
    async run({ storage }) {
      const names = Array.from({ length: 2100 }, (_, n) => `/kit/${String(n).padStart(5, "0")}`);
      await fill(storage, names);
      assert.deepEqual(await keys(storage, ALL.start, ALL.end), names);
    },
  },
  {
    name: "3 MB of items are all yielded",
    async run({ storage }) {
      const size = Math.min(100_000, storage.capabilities.maxValueBytes);
      const names = Array.from({ length: 30 }, (_, n) => `/kit/${String(n).padStart(3, "0")}`);
      await Promise.all(names.map((key) => storage.put({ key, value: new Uint8Array(size).fill(7) })));
      const items = await collect(storage, ALL);
      assert.deepEqual(
        items.map(({ key, value }) => [key, value.length]),
        names.map((key) => [key, size]),
      );
    },
  },
  {
    name: "a reader may stop early, and again",
    async run({ storage }) {
      await fill(storage, ["/kit/a", "/kit/b", "/kit/c"]);
      for (let round = 0; round < 3; round++) {
        for await (const item of storage.range(ALL)) {
          assert.equal(item.key, "/kit/a");
          break;
        }
      }
      await storage.put({ key: "/kit/d", value: bytes("x") });
    },
  },
  {
    name: "an aborted range throws the signal's reason",
    async run({ storage }) {
      await fill(storage, ["/kit/a", "/kit/b"]);
      const reason = new Error("enough");
      const read = async (): Promise<void> => {
        const stop = new AbortController();
        for await (const _item of storage.range(ALL, { signal: stop.signal })) {
          stop.abort(reason);
        }
      };
      await assert.rejects(read, reason);
    },
  },
  {
    name: "items that stay are yielded once while others come and go",
    async run({ storage }) {
      const stay = Array.from({ length: 1200 }, (_, n) => `/kit/${String(n).padStart(5, "0")}/stay`);
      const go = stay.map((key) => key.replace("stay", "go"));
      await fill(storage, [...stay, ...go]);
      const seen: string[] = [];
      for await (const { key } of storage.range(ALL)) {
        if (key.endsWith("stay")) {
          seen.push(key);
          if (seen.length % 100 === 0) {
            await storage.delete(go[seen.length + 50] ?? go[0] ?? "").catch(() => undefined);
            await storage.put({ key: `${key}-new`, value: bytes("x") });
          }
        }
      }
      assert.deepEqual(seen, stay);
    },
  },
  {
    name: "deleteRange removes what range yields, and counts it",
    async run({ storage }) {
      await fill(storage, ["/kit/a", "/kit/b", "/kit/c", "/kit/d"]);
      assert.equal(await storage.deleteRange({ start: "/kit/b", end: "/kit/d" }), 2);
      assert.deepEqual(await keys(storage, ALL.start, ALL.end), ["/kit/a", "/kit/d"]);
      assert.equal(await storage.deleteRange({ start: "/kit/b", end: "/kit/d" }), 0);
    },
  },
  {
    name: "deleteRange of one user leaves those whose name starts alike",
    async run({ storage }) {
      await fill(storage, ["/kit/al/params", "/kit/al/pwd", "/kit/alice/params", "/kit/al-b/params"]);
      assert.equal(await storage.deleteRange({ start: "/kit/al/", end: "/kit/al0" }), 2);
      assert.deepEqual(await keys(storage, ALL.start, ALL.end), ["/kit/al-b/params", "/kit/alice/params"]);
    },
  },
  {
    name: "deleteRange of 2,100 items leaves none",
    async run({ storage }) {
      await fill(
        storage,
        Array.from({ length: 2100 }, (_, n) => `/kit/${n}`),
      );
      assert.equal(await storage.deleteRange(ALL), 2100);
      assert.deepEqual(await keys(storage, ALL.start, ALL.end), []);
      await rejectsWith("not_found", storage.get("/kit/7"));
    },
  },
];

async function fill(storage: Storage, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((key) => storage.put({ key, value: bytes(key) })));
}

async function keys(storage: Storage, start: string, end: string): Promise<string[]> {
  const items = await collect(storage, { start, end });
  items.forEach(({ key, value }) => assert.equal(text(value), key));
  return items.map(({ key }) => key);
}
