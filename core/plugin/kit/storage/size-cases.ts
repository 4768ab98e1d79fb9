import assert from "node:assert/strict";
import { bytes, collect, rejectsWith, text, type StorageTrial } from "./trial.js";

const FOLDER = "/kit/size";
const ALL = { start: `${FOLDER}/`, end: `${FOLDER}0` };
/** No more than this is written by one case. */
const BUDGET_BYTES = 48 * 1024 * 1024;

/** Sizes: what the stated limits allow is kept, and what they do not is refused as a whole. */
export const sizeCases: StorageTrial[] = [
  {
    name: "a value of the largest size is kept, byte by byte, by get, range and watch",
    proves: ["maxValueBytes"],
    async run(trial) {
      const { storage } = trial;
      const value = largeValue(storage.capabilities.maxValueBytes);
      const key = `${FOLDER}/value`;
      const watch = await trial.watch([`${FOLDER}/`]);
      const first = await storage.create({ key, value });
      const event = await watch.next();
      assert.ok(event.type === "put" && value.equals(event.item.value), "the watch shows another value");
      const second = await storage.update({ key, value }, first);
      await storage.compareAndSwap({ key, value }, second);
      await storage.put({ key, value });
      assert.ok(value.equals((await storage.get(key)).value), "get reads another value");
      const [item] = await collect(storage, ALL);
      assert.ok(item && value.equals(item.value), "range reads another value");
    },
  },
  {
    name: "a value above the largest size is limit_exceeded for every verb and changes nothing",
    proves: ["maxValueBytes"],
    async run({ storage }) {
      const value = new Uint8Array(storage.capabilities.maxValueBytes + 1);
      const key = `${FOLDER}/value`;
      await rejectsWith("limit_exceeded", storage.create({ key, value }));
      await rejectsWith("not_found", storage.get(key));
      const revision = await storage.create({ key, value: bytes("one") });
      await rejectsWith("limit_exceeded", storage.put({ key, value }));
      await rejectsWith("limit_exceeded", storage.update({ key, value }));
      await rejectsWith("limit_exceeded", storage.compareAndSwap({ key, value }, revision));
      const item = await storage.get(key);
      assert.deepEqual([text(item.value), item.revision], ["one", revision]);
    },
  },
  {
    name: "several values of the largest size come in one range",
    proves: ["maxValueBytes"],
    async run({ storage }) {
      const size = storage.capabilities.maxValueBytes;
      const count = Math.max(Math.min(6, Math.floor(BUDGET_BYTES / size)), 2);
      for (let n = 0; n < count; n++) {
        await storage.put({ key: `${FOLDER}/${n}`, value: new Uint8Array(size).fill(n) });
      }
      const items = await collect(storage, ALL);
      assert.deepEqual(
        items.map(({ key, value }) => [key, value.length, value[size - 1]]),
        Array.from({ length: count }, (_, n) => [`${FOLDER}/${n}`, size, n]),
      );
    },
  },
  {
    name: "a key of the longest length works with every verb",
    proves: ["maxKeyBytes"],
    async run(trial) {
      const { storage } = trial;
      const key = keyOf(storage.capabilities.maxKeyBytes);
      const watch = await trial.watch([`${FOLDER}/`]);
      const first = await storage.create({ key, value: bytes("one") });
      const second = await storage.update({ key, value: bytes("two") }, first);
      const third = await storage.compareAndSwap({ key, value: bytes("three") }, second);
      assert.deepEqual(
        (await collect(storage, ALL)).map((item) => [item.key, item.revision]),
        [[key, third]],
      );
      await storage.keepAlive(key, trial.later());
      await storage.delete(key);
      assert.equal(await watch.line(), `put ${key} one`);
      assert.deepEqual((await watch.lines(4)).at(-1), `delete ${key}`);
    },
  },
  {
    name: "a longer key is limit_exceeded for every write",
    proves: ["maxKeyBytes"],
    async run({ storage }) {
      const key = keyOf(storage.capabilities.maxKeyBytes + 1);
      const item = { key, value: bytes("one") };
      await rejectsWith("limit_exceeded", storage.create(item));
      await rejectsWith("limit_exceeded", storage.put(item));
      await rejectsWith("limit_exceeded", storage.update(item));
      await rejectsWith("limit_exceeded", storage.compareAndSwap(item, "any"));
      assert.deepEqual(await collect(storage, ALL), []);
    },
  },
  {
    name: "the length of a key is counted in bytes, not in letters",
    proves: ["maxKeyBytes"],
    async run({ storage }) {
      const room = storage.capabilities.maxKeyBytes - FOLDER.length - 1;
      const fits = `${FOLDER}/${"é".repeat(Math.floor(room / 2))}`;
      await storage.put({ key: fits, value: bytes("fits") });
      assert.equal(text((await storage.get(fits)).value), "fits");
      await rejectsWith("limit_exceeded", storage.put({ key: `${fits}é`, value: bytes("x") }));
    },
  },
];

function largeValue(sizeBytes: number): Buffer {
  const value = Buffer.alloc(sizeBytes);
  for (let i = 0; i < sizeBytes; i++) {
    value[i] = (i * 31 + (i >> 8)) & 0xff;
  }
  return value;
}

function keyOf(lengthBytes: number): string {
  return `${FOLDER}/`.padEnd(lengthBytes, "k");
}
