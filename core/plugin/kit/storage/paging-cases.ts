import assert from "node:assert/strict";
import { bytes, collect, fill, text, type StorageTrial } from "./trial.js";

const FOLDER = "/kit/paging";
const ALL = { start: `${FOLDER}/`, end: `${FOLDER}0` };

/** Paging: long ranges are whole, also while others write. One large store serves for several questions. */
export const pagingCases: StorageTrial[] = [
  {
    name: "a long range is whole and in order, before, during and after changes, and can be deleted",
    async run(trial) {
      const { storage } = trial;
      const peer = await trial.peer();
      const count = trial.pagingItems;
      const stay = Array.from({ length: count }, (_, n) => `${FOLDER}/${String(n).padStart(6, "0")}`);
      await fill(
        storage,
        stay.map((key) => ({ key, value: bytes(key) })),
      );
      assert.equal((await collect(storage, ALL)).length, count);

      // While the range runs, others add, change and remove items on both sides of where it is.
      const seen: string[] = [];
      const touched = new Set<string>();
      const added: string[] = [];
      const changesEvery = Math.max(Math.floor(count / 50), 1);
      for await (const item of storage.range(ALL)) {
        seen.push(item.key);
        if (seen.length % changesEvery !== 0) {
          continue;
        }
        const remove = stay[trial.random.below(count)] as string;
        const change = stay[trial.random.below(count)] as string;
        const add = `${stay[trial.random.below(count)] as string}-new`;
        touched.add(remove).add(change);
        added.push(add);
        await peer.delete(remove).catch(() => undefined);
        await peer.put({ key: change, value: bytes(change) });
        await peer.put({ key: add, value: bytes(add) });
      }
      assert.equal(new Set(seen).size, seen.length, "the range yielded an item twice");
      assert.deepEqual(seen, [...seen].sort(), "the range left the order of the keys");
      const yielded = new Set(seen);
      const lost = stay.filter((key) => !touched.has(key) && !yielded.has(key));
      assert.deepEqual(lost, [], "items that nobody touched were not yielded");
      const known = new Set([...stay, ...added]);
      assert.deepEqual(
        seen.filter((key) => !known.has(key)),
        [],
        "the range yielded items that were never written",
      );

      // Bounds within the middle, and a page's worth from any place.
      const from = trial.random.below(count - 1);
      const part = await collect(peer, { start: stay[from] as string, end: stay[from + 1] as string });
      part.forEach(({ key, value }) => assert.equal(text(value), key));
      assert.ok(part.length <= 1 + added.length);

      const left = (await collect(storage, ALL)).length;
      assert.equal(await storage.deleteRange(ALL), left);
      assert.deepEqual(await collect(peer, ALL), []);
    },
  },
  {
    name: "several long ranges at once are each whole",
    async run(trial) {
      const { storage } = trial;
      const peer = await trial.peer();
      const names = Array.from({ length: 1500 }, (_, n) => `${FOLDER}/${String(n).padStart(6, "0")}`);
      await fill(
        storage,
        names.map((key) => ({ key, value: bytes(key) })),
      );
      const ranges = await Promise.all(
        Array.from({ length: 6 }, (_, n) => collect(n % 2 ? peer : storage, ALL)),
      );
      for (const items of ranges) {
        assert.deepEqual(
          items.map(({ key }) => key),
          names,
        );
      }
    },
  },
  {
    name: "deleteRange removes 24, 25, 26, 100 and 101 items alike",
    async run(trial) {
      for (const count of [24, 25, 26, 100, 101]) {
        const items = Array.from({ length: count }, (_, n) => ({ key: `${FOLDER}/${n}`, value: bytes("x") }));
        await fill(trial.storage, items);
        assert.equal(await trial.storage.deleteRange(ALL), count);
        assert.deepEqual(await collect(trial.storage, ALL), []);
      }
    },
  },
];
