import assert from "node:assert/strict";
import { errorCode } from "../../../errors/error.js";
import { bytes, collect, fill, rejectsWith, text, type StorageTrial } from "./trial.js";

const KEY = "/kit/expiry";
const ALL = { start: "/kit/", end: "/kit0" };

/** Expiry: an item is there until its time and gone afterwards, whenever the sweep happens. */
export const expiryCases: StorageTrial[] = [
  {
    name: "an item is there before its time and gone after it",
    proves: ["ttl"],
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      await storage.put({ key: KEY, value: bytes("one"), expires });
      await storage.put({ key: `${KEY}2`, value: bytes("stays") });
      assert.equal(text((await storage.get(KEY)).value), "one");
      assert.equal((await collect(storage, ALL)).length, 2);
      await trial.pass(waitMs);
      await rejectsWith("not_found", storage.get(KEY));
      assert.deepEqual(
        (await collect(storage, ALL)).map(({ key }) => key),
        [`${KEY}2`],
      );
    },
  },
  {
    name: "an expired item is gone for every conditional write",
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      const revision = await storage.put({ key: KEY, value: bytes("one"), expires });
      await trial.pass(waitMs);
      const item = { key: KEY, value: bytes("two") };
      await rejectsWith("not_found", storage.update(item));
      await rejectsWith("not_found", storage.update(item, revision));
      await rejectsWith("compare_failed", storage.compareAndSwap(item, revision));
      await rejectsWith("not_found", storage.keepAlive(KEY, trial.later()));
      await rejectsWith("not_found", storage.delete(KEY));
      await rejectsWith("not_found", storage.get(KEY));
    },
  },
  {
    name: "an expired item stays gone after refused writes, for get, range and the count of deleteRange",
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      const item = { key: KEY, value: bytes("two") };
      const revision = await storage.create({ key: KEY, value: bytes("one"), expires });
      await trial.pass(waitMs);
      await rejectsWith("compare_failed", storage.compareAndSwap(item, revision));
      await rejectsWith("not_found", storage.update(item, revision));
      await rejectsWith("not_found", storage.delete(KEY, revision));
      assert.deepEqual(await collect(storage, ALL), []);
      assert.equal(await storage.deleteRange(ALL), 0);
      await rejectsWith("not_found", storage.get(KEY));
    },
  },
  {
    name: "an item ends at its time, with the stated precision",
    proves: ["ttlGranularityMs", "ttl"],
    async run(trial) {
      const { storage } = trial;
      const { ttlGranularityMs } = storage.capabilities;
      const { expires, waitMs } = trial.soon();
      await storage.put({ key: KEY, value: bytes("one"), expires });
      const stepMs = waitMs / 40;
      for (;;) {
        const before = trial.nowMs();
        const live = await storage.get(KEY).then(
          () => true,
          (error: unknown) => {
            assert.equal(errorCode(error), "not_found");
            return false;
          },
        );
        const after = trial.nowMs();
        if (!live) {
          const earlyMs = expires.getTime() - after;
          assert.ok(earlyMs < ttlGranularityMs, `it was gone ${earlyMs} ms before its time`);
          return;
        }
        const lateMs = before - expires.getTime();
        assert.ok(lateMs <= ttlGranularityMs, `it was still there ${lateMs} ms after its time`);
        await trial.pass(stepMs);
      }
    },
  },
  {
    name: "reading an expired item never removes the one that was made in its place",
    async run(trial) {
      const { storage } = trial;
      const peer = await trial.peer();
      const { expires, waitMs } = trial.soon();
      const names = Array.from({ length: 20 }, (_, n) => `${KEY}/${n}`);
      await fill(
        storage,
        names.map((key) => ({ key, value: bytes("old"), expires })),
      );
      await trial.pass(waitMs);
      await Promise.all(
        names.map(async (key, n) => {
          const reads = Array.from({ length: 5 }, (_, i) => (i % 2 ? peer : storage).get(key));
          const [, ...answers] = await Promise.allSettled([
            (n % 2 ? peer : storage).create({ key, value: bytes("new") }),
            ...reads,
          ]);
          for (const answer of answers) {
            assert.ok(answer.status === "rejected" || text(answer.value.value) === "new");
          }
        }),
      );
      for (const item of await collect(storage, ALL)) {
        assert.equal(text(item.value), "new");
      }
      assert.equal((await collect(peer, ALL)).length, names.length);
    },
  },
  {
    name: "create succeeds over an expired item at once",
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      const old = await storage.put({ key: KEY, value: bytes("one"), expires });
      await trial.pass(waitMs);
      const revision = await storage.create({ key: KEY, value: bytes("two") });
      assert.notEqual(revision, old);
      const item = await storage.get(KEY);
      assert.equal(text(item.value), "two");
      assert.equal(item.expires, undefined);
    },
  },
  {
    name: "an item written with a past expiry is not there",
    async run(trial) {
      const { storage } = trial;
      await storage.put({ key: KEY, value: bytes("one"), expires: new Date(Date.UTC(2001, 0, 1)) });
      await rejectsWith("not_found", storage.get(KEY));
      await storage.create({ key: KEY, value: bytes("two") });
      assert.equal(text((await storage.get(KEY)).value), "two");
    },
  },
  {
    name: "a write without expiry takes an earlier one away",
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      await storage.put({ key: `${KEY}/put`, value: bytes("one"), expires });
      await storage.put({ key: `${KEY}/update`, value: bytes("one"), expires });
      await storage.put({ key: `${KEY}/put`, value: bytes("two") });
      await storage.update({ key: `${KEY}/update`, value: bytes("two") });
      await trial.pass(waitMs);
      assert.equal(text((await storage.get(`${KEY}/put`)).value), "two");
      assert.equal(text((await storage.get(`${KEY}/update`)).value), "two");
    },
  },
  {
    name: "keepAlive prolongs and keeps the value",
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      await storage.put({ key: KEY, value: bytes("one"), expires });
      const later = trial.later();
      await storage.keepAlive(KEY, later);
      await trial.pass(waitMs);
      const item = await storage.get(KEY);
      assert.equal(text(item.value), "one");
      assert.ok(trial.isExpiry(item.expires, later.getTime()));
    },
  },
  {
    name: "keepAlive can shorten",
    async run(trial) {
      const { storage } = trial;
      await storage.put({ key: KEY, value: bytes("one"), expires: trial.later() });
      const { expires, waitMs } = trial.soon();
      await storage.keepAlive(KEY, expires);
      await trial.pass(waitMs);
      await rejectsWith("not_found", storage.get(KEY));
    },
  },
  {
    name: "deleteRange does not count expired items",
    async run(trial) {
      const { storage } = trial;
      const { expires, waitMs } = trial.soon();
      await storage.put({ key: `${KEY}/1`, value: bytes("one"), expires });
      await storage.put({ key: `${KEY}/2`, value: bytes("two") });
      await trial.pass(waitMs);
      assert.equal(await storage.deleteRange(ALL), 1);
    },
  },
];
