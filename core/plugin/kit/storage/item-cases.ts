import assert from "node:assert/strict";
import { bytes, collect, rejectsWith, text, type StorageTrial } from "./trial.js";

const KEY = "/kit/item";

/** Single items: what is written is read, byte by byte, and revisions never repeat. */
export const itemCases: StorageTrial[] = [
  {
    name: "get reads what create wrote",
    async run({ storage }) {
      const revision = await storage.create({ key: KEY, value: bytes("one") });
      const item = await storage.get(KEY);
      assert.equal(item.key, KEY);
      assert.equal(text(item.value), "one");
      assert.equal(item.expires, undefined);
      assert.equal(item.revision, revision);
    },
  },
  {
    name: "a missing key is not_found for get, update, delete and keepAlive",
    async run({ storage }) {
      await rejectsWith("not_found", storage.get(KEY));
      await rejectsWith("not_found", storage.update({ key: KEY, value: bytes("x") }));
      await rejectsWith("not_found", storage.update({ key: KEY, value: bytes("x") }, "any"));
      await rejectsWith("not_found", storage.delete(KEY));
      await rejectsWith("not_found", storage.keepAlive(KEY, new Date(Date.now() + 3_600_000)));
      await rejectsWith("not_found", storage.get(KEY));
    },
  },
  {
    name: "create refuses a live key and leaves it alone",
    async run({ storage }) {
      const revision = await storage.create({ key: KEY, value: bytes("one") });
      await rejectsWith("already_exists", storage.create({ key: KEY, value: bytes("two") }));
      const item = await storage.get(KEY);
      assert.equal(text(item.value), "one");
      assert.equal(item.revision, revision);
    },
  },
  {
    name: "put writes whether the key exists or not",
    async run({ storage }) {
      await storage.put({ key: KEY, value: bytes("one") });
      await storage.put({ key: KEY, value: bytes("two") });
      assert.equal(text((await storage.get(KEY)).value), "two");
    },
  },
  {
    name: "update replaces",
    async run({ storage }) {
      await storage.create({ key: KEY, value: bytes("one") });
      const revision = await storage.update({ key: KEY, value: bytes("two") });
      const item = await storage.get(KEY);
      assert.equal(text(item.value), "two");
      assert.equal(item.revision, revision);
    },
  },
  {
    name: "delete removes one key only",
    async run({ storage }) {
      await storage.create({ key: KEY, value: bytes("one") });
      await storage.create({ key: `${KEY}2`, value: bytes("two") });
      await storage.delete(KEY);
      await rejectsWith("not_found", storage.get(KEY));
      assert.equal(text((await storage.get(`${KEY}2`)).value), "two");
    },
  },
  {
    name: "an empty value is kept, by get and range",
    async run({ storage }) {
      await storage.create({ key: KEY, value: new Uint8Array() });
      assert.equal((await storage.get(KEY)).value.length, 0);
      const items = await collect(storage, { start: "/kit/", end: "/kit0" });
      assert.deepEqual(
        items.map(({ key, value }) => [key, value.length]),
        [[KEY, 0]],
      );
    },
  },
  {
    name: "every byte is kept",
    async run({ storage }) {
      const value = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
      await storage.put({ key: KEY, value });
      assert.ok(Buffer.from(value).equals((await storage.get(KEY)).value));
      const invalidUtf8 = Uint8Array.of(0xff, 0x00, 0xfe, 0xc0, 0x0a);
      await storage.put({ key: KEY, value: invalidUtf8 });
      assert.deepEqual([...(await storage.get(KEY)).value], [...invalidUtf8]);
    },
  },
  {
    name: "a view into a larger buffer is stored as the view",
    async run({ storage }) {
      await storage.put({ key: KEY, value: Buffer.from("--one--").subarray(2, 5) });
      assert.equal(text((await storage.get(KEY)).value), "one");
    },
  },
  {
    name: "the caller may reuse its buffer as soon as a write is called",
    async run({ storage }) {
      const value = bytes("one");
      const write = storage.put({ key: KEY, value });
      value.fill(0);
      await write;
      assert.equal(text((await storage.get(KEY)).value), "one");
    },
  },
  {
    name: "changing what get returned changes nothing stored",
    async run({ storage }) {
      await storage.put({ key: KEY, value: bytes("one") });
      (await storage.get(KEY)).value.fill(0);
      assert.equal(text((await storage.get(KEY)).value), "one");
    },
  },
  {
    name: "keys are compared exactly",
    async run({ storage }) {
      const keys = [
        "/kit/a",
        "/kit/A",
        "/kit/a/",
        "/kit/ab",
        "/kit/a%",
        "/kit/a_",
        "/kit/é",
        ".kit/no-leading-slash",
      ];
      for (const key of keys) {
        await storage.create({ key, value: bytes(key) });
      }
      for (const key of keys) {
        assert.equal(text((await storage.get(key)).value), key);
      }
    },
  },
  {
    name: "an expiry is read back with the stated precision",
    proves: ["ttlGranularityMs"],
    async run({ storage }) {
      const expires = new Date(Date.parse("2099-12-31T23:59:58.120Z"));
      await storage.put({ key: KEY, value: bytes("one"), expires });
      const read = (await storage.get(KEY)).expires;
      assert.ok(read instanceof Date);
      assert.ok(Math.abs(read.getTime() - expires.getTime()) < storage.capabilities.ttlGranularityMs);
    },
  },
  {
    name: "every write gives a new revision, which reads show",
    async run(trial) {
      const { storage } = trial;
      const seen = new Set<string>();
      const check = async (revision: string): Promise<void> => {
        assert.ok(!seen.has(revision), `revision ${revision} came twice`);
        seen.add(revision);
        assert.equal((await storage.get(KEY)).revision, revision);
        const [item] = await collect(storage, { start: KEY, end: `${KEY}0` });
        assert.equal(item?.revision, revision);
      };
      for (let round = 0; round < 5; round++) {
        const item = { key: KEY, value: bytes("same") };
        await check(await storage.create(item));
        await check(await storage.put(item));
        await check(await storage.update(item));
        await check(await storage.compareAndSwap(item, (await storage.get(KEY)).revision));
        await check(await storage.keepAlive(KEY, trial.later(2)));
        await storage.delete(KEY);
      }
    },
  },
  {
    name: "no revision comes twice when the clock steps back",
    async run(trial) {
      const { storage } = trial;
      const seen = new Set<string>();
      // Where the clock cannot be moved the writes are merely fast: many within one tick of it.
      const startMs = trial.nowMs();
      for (let round = 0; round < 50; round++) {
        await trial.shiftClock(startMs + (round % 2) - trial.nowMs());
        seen.add(await storage.put({ key: KEY, value: bytes("same") }));
      }
      assert.equal(seen.size, 50);
    },
  },
];
