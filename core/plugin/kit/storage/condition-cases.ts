import assert from "node:assert/strict";
import { hasCode } from "../../../errors/error.js";
import { bytes, rejectsWith, tally, text, type StorageTrial } from "./trial.js";

const KEY = "/kit/condition";
const WRITERS = 50;

/** Conditional writes, alone and in races: exactly one wins. */
export const conditionCases: StorageTrial[] = [
  {
    name: "compareAndSwap replaces what has the expected revision",
    async run({ storage }) {
      const first = await storage.create({ key: KEY, value: bytes("one") });
      const second = await storage.compareAndSwap({ key: KEY, value: bytes("two") }, first);
      const item = await storage.get(KEY);
      assert.equal(text(item.value), "two");
      assert.equal(item.revision, second);
    },
  },
  {
    name: "compareAndSwap is compare_failed for another revision and for a missing key",
    async run({ storage }) {
      await rejectsWith("compare_failed", storage.compareAndSwap({ key: KEY, value: bytes("x") }, "any"));
      const first = await storage.create({ key: KEY, value: bytes("one") });
      await storage.put({ key: KEY, value: bytes("two") });
      await rejectsWith("compare_failed", storage.compareAndSwap({ key: KEY, value: bytes("x") }, first));
      assert.equal(text((await storage.get(KEY)).value), "two");
      await storage.delete(KEY);
      await rejectsWith("compare_failed", storage.compareAndSwap({ key: KEY, value: bytes("x") }, first));
      await rejectsWith("not_found", storage.get(KEY));
    },
  },
  {
    name: "compareAndSwap notices that equal bytes were written again",
    async run({ storage }) {
      const first = await storage.create({ key: KEY, value: bytes("one") });
      await storage.put({ key: KEY, value: bytes("one") });
      await rejectsWith("compare_failed", storage.compareAndSwap({ key: KEY, value: bytes("x") }, first));
      const second = (await storage.get(KEY)).revision;
      await storage.delete(KEY);
      await storage.create({ key: KEY, value: bytes("one") });
      await rejectsWith("compare_failed", storage.compareAndSwap({ key: KEY, value: bytes("x") }, second));
    },
  },
  {
    name: "update and delete obey an expected revision",
    async run({ storage }) {
      const first = await storage.create({ key: KEY, value: bytes("one") });
      const second = await storage.update({ key: KEY, value: bytes("two") }, first);
      await rejectsWith("compare_failed", storage.update({ key: KEY, value: bytes("x") }, first));
      await rejectsWith("compare_failed", storage.delete(KEY, first));
      assert.equal(text((await storage.get(KEY)).value), "two");
      await storage.delete(KEY, second);
      await rejectsWith("not_found", storage.delete(KEY, second));
    },
  },
  {
    name: "a keepAlive makes an older revision stale",
    async run(trial) {
      const { storage } = trial;
      const first = await storage.create({ key: KEY, value: bytes("one"), expires: trial.later(1) });
      await storage.keepAlive(KEY, trial.later(2));
      await rejectsWith("compare_failed", storage.compareAndSwap({ key: KEY, value: bytes("x") }, first));
    },
  },
  {
    name: `of ${WRITERS} creates at once one wins`,
    async run(trial) {
      const handles = [trial.storage, await trial.peer()];
      const attempts = writers(handles, (storage, n) =>
        storage.create({ key: KEY, value: bytes(String(n)) }),
      );
      assert.deepEqual(await tally(attempts), { ok: 1, already_exists: WRITERS - 1 });
    },
  },
  {
    name: `of ${WRITERS} swaps of one revision one wins, and its value stays`,
    async run(trial) {
      const handles = [trial.storage, await trial.peer()];
      const revision = await trial.storage.create({ key: KEY, value: bytes("start") });
      const attempts = writers(handles, async (storage, n) => {
        const won = await storage.compareAndSwap({ key: KEY, value: bytes(String(n)) }, revision);
        return { n, won };
      });
      assert.deepEqual(await tally(attempts), { ok: 1, compare_failed: WRITERS - 1 });
      const winner = await Promise.any(attempts);
      const item = await trial.storage.get(KEY);
      assert.equal(text(item.value), String(winner.n));
      assert.equal(item.revision, winner.won);
    },
  },
  {
    name: `of ${WRITERS} deletes at once one wins`,
    async run(trial) {
      const handles = [trial.storage, await trial.peer()];
      await trial.storage.create({ key: KEY, value: bytes("one") });
      const attempts = writers(handles, (storage) => storage.delete(KEY));
      assert.deepEqual(await tally(attempts), { ok: 1, not_found: WRITERS - 1 });
    },
  },
  {
    name: `${WRITERS} counters that retry lose no step`,
    async run(trial) {
      const handles = [trial.storage, await trial.peer()];
      await trial.storage.create({ key: KEY, value: bytes("0") });
      await Promise.all(
        writers(handles, async (storage) => {
          for (;;) {
            const item = await storage.get(KEY);
            const value = bytes(String(Number(text(item.value)) + 1));
            try {
              return await storage.compareAndSwap({ key: KEY, value }, item.revision);
            } catch (error) {
              if (!hasCode(error, "compare_failed")) {
                throw error;
              }
            }
          }
        }),
      );
      assert.equal(text((await trial.storage.get(KEY)).value), String(WRITERS));
    },
  },
];

function writers<S, T>(handles: readonly S[], write: (storage: S, n: number) => Promise<T>): Promise<T>[] {
  return Array.from({ length: WRITERS }, (_, n) => write(handles[n % handles.length] as S, n));
}
