import assert from "node:assert/strict";
import type { Storage, StorageEvent } from "@teleport/plugin";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { encode, RECORD_KEY } from "../../../core/storage/migration/records.js";
import { SwitchableStorage, type ServingStore } from "../../../core/storage/switchable-storage.js";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array): string => Buffer.from(value).toString();
const store = (storage: Storage, epoch: number): ServingStore => ({
  storage,
  epoch,
  settings: { type: "memory", settings: {} },
  close: () => storage.close(),
});

/** The events of a watch one by one. */
function reading(events: AsyncIterable<StorageEvent>): {
  next(): Promise<StorageEvent>;
  end(): Promise<void>;
} {
  const iterator = events[Symbol.asyncIterator]();
  return {
    async next() {
      const result = await iterator.next();
      assert.ok(!result.done, "the watch ended early");
      return result.value;
    },
    end: async () => void (await iterator.return?.()),
  };
}

describe("core/storage/switchable-storage", () => {
  describe("keeps the contract", () => {
    const cases = storageConformance(() => {
      const clock = new ManualClock();
      return Promise.resolve({
        storage: new SwitchableStorage(store(createMemoryStorage(clock), 3)),
        clock,
      });
    });
    for (const { name, run } of cases) it(name, run);
  });

  let first: Storage;
  let second: Storage;
  let handle: SwitchableStorage;
  beforeEach(() => {
    first = createMemoryStorage();
    second = createMemoryStorage();
    handle = new SwitchableStorage(store(first, 0));
  });
  afterEach(() => handle.close());

  /** What a migration does around the switch. */
  async function move(): Promise<void> {
    await handle.freeze("m");
    for await (const { key, value, expires } of first.range({ start: "", end: "\x7f" }))
      await second.put({ key, value, expires });
    const record = { version: 1, phase: "committed", epoch: 1 };
    await first.put({ key: RECORD_KEY, value: encode(record) });
    await handle.switchTo(store(second, 1), { othersWrite: false });
    handle.thaw("m");
  }

  it("holds writes back while frozen, and lets them into the next store", async () => {
    await handle.freeze("m");
    let written = false;
    const write = handle.put({ key: "/a", value: bytes("1") }).then(() => (written = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(written, false);
    await handle.switchTo(store(second, 1), { othersWrite: false });
    handle.thaw("m");
    await write;
    assert.equal(text((await second.get("/a")).value), "1");
    await assert.rejects(first.get("/a"), { code: "not_found" });
  });

  it("is frozen only when the writes that were under way have ended", async () => {
    let finish: () => void = () => undefined;
    const put = first.put.bind(first);
    first.put = async (item) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return put(item);
    };
    const write = handle.put({ key: "/a", value: bytes("1") });
    await new Promise((resolve) => setImmediate(resolve));
    let frozen = false;
    const freeze = handle.freeze("m").then(() => (frozen = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(frozen, false);
    finish();
    await freeze;
    await write;
  });

  it("takes revisions from before the move for items that are still the same", async () => {
    const held = await handle.put({ key: "/a", value: bytes("1") });
    const outdated = await handle.put({ key: "/b", value: bytes("1") });
    await handle.put({ key: "/b", value: bytes("2") });
    await move();
    await handle.compareAndSwap({ key: "/a", value: bytes("2") }, held);
    await assert.rejects(handle.compareAndSwap({ key: "/a", value: bytes("3") }, held), {
      code: "compare_failed",
    });
    await assert.rejects(handle.compareAndSwap({ key: "/b", value: bytes("3") }, outdated), {
      code: "compare_failed",
    });
    await assert.rejects(handle.delete("/b", outdated), { code: "compare_failed" });
    await assert.rejects(handle.update({ key: "/c", value: bytes("3") }, outdated), { code: "not_found" });
  });

  it("takes no revision from before the move for an item whose lease was renewed since", async () => {
    const lease = { key: "/a", value: bytes("1") };
    const held = await handle.put({ ...lease, expires: new Date(Date.now() + 60_000) });
    await move();
    await handle.put({ ...lease, expires: new Date(Date.now() + 120_000) });
    await assert.rejects(handle.compareAndSwap(lease, held), { code: "compare_failed" });
  });

  it("carries a running watch over: nothing is lost, repeated or out of order", async () => {
    const events = reading(handle.watch(["/a"]));
    assert.equal((await events.next()).type, "init");
    await handle.put({ key: "/a", value: bytes("1") });
    await handle.put({ key: "/a", value: bytes("2") });
    await move();
    await handle.put({ key: "/a", value: bytes("3") });
    await handle.delete("/a");
    const seen: string[] = [];
    while (seen.length < 4) {
      const event = await events.next();
      seen.push(event.type === "put" ? text(event.item.value) : event.type);
    }
    assert.deepEqual(seen, ["1", "2", "3", "delete"]);
    await events.end();
  });

  it("resets a watch whose first store went away before its last change was read", async () => {
    const events = reading(handle.watch(["/a"]));
    await events.next();
    await handle.freeze("m");
    const left = handle.current;
    await handle.switchTo(store(second, 1), { othersWrite: false });
    handle.thaw("m");
    await handle.retire(left);
    await handle.put({ key: "/a", value: bytes("1") });
    assert.equal((await events.next()).type, "reset");
    assert.equal((await events.next()).type, "put");
    await events.end();
  });

  it("misses nothing where the next store is slow to begin a watch", async () => {
    const events = reading(handle.watch(["/a"]));
    await events.next();
    const watch = second.watch.bind(second);
    second.watch = async function* (...args) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      yield* watch(...args);
    };
    await move();
    await handle.put({ key: "/a", value: bytes("1") });
    await handle.put({ key: "/a", value: bytes("2") });
    const event = await events.next();
    assert.equal(event.type === "put" && text(event.item.value), "1");
    await events.end();
  });

  it("resets a watch where others may have written to the next store before", async () => {
    const events = reading(handle.watch(["/a"]));
    await events.next();
    const record = { version: 1, phase: "committed", epoch: 1 };
    await first.put({ key: RECORD_KEY, value: encode(record) });
    await second.put({ key: "/a", value: bytes("of another") });
    await handle.switchTo(store(second, 1), { othersWrite: true });
    assert.equal((await events.next()).type, "reset");
    await events.end();
  });

  it("answers a cursor of another store with a reset", async () => {
    const events = reading(handle.watch(["/a"]));
    const { cursor } = await events.next();
    await events.end();
    await move();
    const resumed = reading(handle.watch(["/a"], { cursor }));
    assert.equal((await resumed.next()).type, "init");
    assert.equal((await resumed.next()).type, "reset");
    await resumed.end();
  });

  it("acknowledges no write that is not confirmed", async () => {
    handle = new SwitchableStorage(store(first, 0), {
      confirmWrite: () => Promise.reject(new Error("not here any more")),
      confirmRead: () => undefined,
      release: () => Promise.resolve(),
    });
    await assert.rejects(handle.put({ key: "/a", value: bytes("1") }), /not here any more/);
  });
});
