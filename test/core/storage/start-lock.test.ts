import assert from "node:assert/strict";
import { once } from "node:events";
import type { Storage } from "@teleport/plugin";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { acquireStartLock } from "../../../core/storage/start-lock.js";

const KEY = ".locks/main";

describe("core/storage/start-lock", () => {
  let clock: ManualClock;
  let storage: Storage;
  beforeEach(() => {
    clock = new ManualClock();
    storage = createMemoryStorage(clock);
  });
  afterEach(() => storage.close());

  it("is the item that 4.2 looks for, and is gone after release", async () => {
    const lock = await acquireStartLock(storage, "main", { clock });
    const item = await storage.get(KEY);
    assert.deepEqual([...item.value], [1]);
    assert.equal(item.expires?.getTime(), clock.now().getTime() + 30_000);
    await lock.release();
    await assert.rejects(storage.get(KEY), { code: "not_found" });
  });

  it("waits for a 4.2 daemon to finish, or to die", async () => {
    const until = new Date(clock.now().getTime() + 30_000);
    await storage.create({ key: KEY, value: Uint8Array.of(1), expires: until });
    const waiting = acquireStartLock(storage, "main", { clock });
    await clock.advance(29_000);
    assert.equal((await storage.get(KEY)).expires?.getTime(), until.getTime());
    await clock.advance(2000);
    await (await waiting).release();
  });

  it("is prolonged while a start takes long", async () => {
    const lock = await acquireStartLock(storage, "main", { clock });
    await clock.advance(120_000);
    assert.equal(lock.lost.aborted, false);
    assert.ok((await storage.get(KEY)).value.length);
    await lock.release();
  });

  it("never releases the lock of another", async () => {
    const lock = await acquireStartLock(storage, "main", { clock });
    await storage.delete(KEY);
    await storage.create({
      key: KEY,
      value: Uint8Array.of(1),
      expires: new Date(clock.now().getTime() + 60_000),
    });
    const lost = once(lock.lost, "abort");
    await clock.advance(11_000);
    await lost;
    await assert.rejects(lock.release(), { code: "compare_failed" });
    assert.deepEqual([...(await storage.get(KEY)).value], [1]);
  });

  it("stops waiting when told so", async () => {
    await acquireStartLock(storage, "main", { clock });
    const stop = new AbortController();
    const waiting = acquireStartLock(storage, "main", { clock, signal: stop.signal });
    stop.abort(new Error("no longer wanted"));
    await assert.rejects(waiting, /no longer wanted/);
  });
});
