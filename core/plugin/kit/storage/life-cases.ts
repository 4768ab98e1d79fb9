import assert from "node:assert/strict";
import { errorCode } from "../../../errors/error.js";
import { bytes, collect, rejectsWith, text, type StorageTrial } from "./trial.js";

const KEY = "/kit/life";

/** Opening and closing: nothing hangs, and a closed storage says so. */
export const lifeCases: StorageTrial[] = [
  {
    name: "close may be called again and at once",
    async run(trial) {
      const { storage } = trial;
      await trial.within(Promise.all([storage.close(), storage.close()]), "close did not return");
      await trial.within(storage.close(), "a later close did not return");
    },
  },
  {
    name: "after close everything is unavailable, never not_found",
    async run(trial) {
      const { storage } = trial;
      await storage.put({ key: KEY, value: bytes("one") });
      await storage.close();
      const item = { key: KEY, value: bytes("two") };
      await rejectsWith("unavailable", storage.get(KEY));
      await rejectsWith("unavailable", storage.create(item));
      await rejectsWith("unavailable", storage.put(item));
      await rejectsWith("unavailable", storage.update(item));
      await rejectsWith("unavailable", storage.compareAndSwap(item, "any"));
      await rejectsWith("unavailable", storage.delete(KEY));
      await rejectsWith("unavailable", storage.deleteRange({ start: KEY, end: `${KEY}0` }));
      await rejectsWith("unavailable", storage.keepAlive(KEY, trial.later()));
      await rejectsWith("unavailable", collect(storage, { start: KEY, end: `${KEY}0` }));
    },
  },
  {
    name: "close ends the watches without an error",
    async run(trial) {
      const waiting = await trial.watch([KEY]);
      const idle = await trial.watch([KEY]);
      const end = waiting.ended();
      await trial.storage.close();
      await end;
      await idle.ended();
    },
  },
  {
    name: "writes that are under way at close have happened or are refused",
    async run(trial) {
      const { storage } = trial;
      const peer = await trial.peer();
      const writes = Array.from({ length: 100 }, (_, n) =>
        storage.put({ key: `${KEY}/${n}`, value: bytes("x") }),
      );
      const outcomes = Promise.allSettled(writes);
      await trial.within(storage.close(), "close did not return");
      const settled = await trial.within(outcomes, "a write was left without an answer");
      for (const [n, outcome] of settled.entries()) {
        if (outcome.status === "rejected") {
          assert.equal(errorCode(outcome.reason), "unavailable");
        } else if (peer !== storage) {
          assert.equal(text((await peer.get(`${KEY}/${n}`)).value), "x");
        }
      }
    },
  },
  {
    name: "a range that is read across a close ends, at worst as unavailable",
    async run(trial) {
      const { storage } = trial;
      await Promise.all(
        Array.from({ length: 1000 }, (_, n) => storage.put({ key: `${KEY}/${n}`, value: bytes("x") })),
      );
      const read = async (): Promise<void> => {
        for await (const _item of storage.range({ start: `${KEY}/`, end: `${KEY}0` })) {
          await storage.close();
        }
      };
      const code = await trial.within(
        read().then(() => "ended", errorCode),
        "the range did not end",
      );
      assert.ok(["ended", "unavailable"].includes(code), code);
    },
  },
  {
    name: "another handle sees every write at once",
    async run(trial) {
      const peer = await trial.peer();
      for (let n = 0; n < 20; n++) {
        await trial.storage.put({ key: KEY, value: bytes(String(n)) });
        assert.equal(text((await peer.get(KEY)).value), String(n));
      }
    },
  },
];
