import assert from "node:assert/strict";
import { once } from "node:events";
import { unavailable, type Storage } from "@teleport/plugin";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { acquireLock } from "../../../core/storage/lock.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";

const KEY = "/extensions/mutexes/rotation";

describe("core/storage/lock", () => {
  let clock: ManualClock;
  let storage: Storage;
  const acquire = (owner: string, more: { storage?: Storage; signal?: AbortSignal } = {}) =>
    acquireLock(more.storage ?? storage, "rotation", {
      ttlMs: 9000,
      owner,
      clock,
      ...(more.signal && { signal: more.signal }),
    });

  beforeEach(() => {
    clock = new ManualClock();
    storage = createMemoryStorage(clock);
  });
  afterEach(() => storage.close());

  it("gives growing fences, also after a release", async () => {
    for (let fence = 1; fence <= 3; fence++) {
      const lock = await acquire("a");
      assert.equal(lock.fence, fence);
      await lock.release();
    }
  });

  it("hands over as soon as the holder releases", async () => {
    const first = await acquire("a");
    const second = acquire("b");
    await first.release();
    assert.equal((await second).fence, 2);
    await (await second).release();
  });

  it("excludes twenty contenders from each other", async () => {
    let inside = 0;
    const fences = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const lock = await acquire(`owner ${n}`);
        assert.equal(++inside, 1);
        await storage.put({ key: "/work", value: Buffer.from("x") });
        inside--;
        await lock.release();
        return lock.fence;
      }),
    );
    assert.deepEqual(
      fences.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });

  it("stays held for as long as the holder lives", async () => {
    const first = await acquire("a");
    const stop = new AbortController();
    const second = acquire("b", { signal: stop.signal });
    second.catch(() => undefined);
    for (let n = 0; n < 20; n++) {
      await clock.advance(4000);
    }
    assert.equal(first.lost.aborted, false);
    stop.abort(new Error("no longer wanted"));
    await assert.rejects(second, /no longer wanted/);
    await first.release();
  });

  it("passes on when the holder is cut off, and tells it", async () => {
    const cut = { on: false };
    const first = await acquire("a", { storage: severable(storage, cut) });
    cut.on = true;
    const second = acquire("b");
    const lost = once(first.lost, "abort");
    await clock.advance(10_000);
    await lost;
    const next = await second;
    assert.equal(next.fence, 2);
    cut.on = false;
    await assert.rejects(first.release(), { code: "compare_failed" });
    // The late release has freed nothing.
    const record = JSON.parse(Buffer.from((await storage.get(KEY)).value).toString()) as { owner: string };
    assert.equal(record.owner, "b");
    await next.release();
  });

  it("notices that somebody has taken it by force", async () => {
    const lock = await acquire("a");
    await storage.put({ key: KEY, value: Buffer.from(JSON.stringify({ owner: "b", fence: 9, untilMs: 0 })) });
    const lost = once(lock.lost, "abort");
    await clock.advance(4000);
    await lost;
    await assert.rejects(lock.release(), { code: "compare_failed" });
    assert.equal((await acquire("c")).fence, 10);
  });

  it("a release that comes before the loss was noticed fails too", async () => {
    const lock = await acquire("a");
    await storage.put({
      key: KEY,
      value: Buffer.from(JSON.stringify({ owner: "b", fence: 9, untilMs: 1e15 })),
    });
    await assert.rejects(lock.release(), { code: "compare_failed" });
  });

  it("refuses a record it cannot read", async () => {
    await storage.put({ key: KEY, value: Buffer.from("{}") });
    await assert.rejects(acquire("a"), { code: "corrupt", message: /rotation/ });
    await storage.put({ key: KEY, value: Buffer.from("no json") });
    await assert.rejects(acquire("a"), { code: "corrupt", message: /rotation/ });
  });

  it("does not wait on a storage that is closed", async () => {
    await acquire("a");
    const waiting = acquire("b");
    waiting.catch(() => undefined);
    await storage.close();
    await assert.rejects(waiting, { code: "unavailable" });
  });
});

/** The same storage behind a network that can be cut. */
function severable(storage: Storage, cut: { readonly on: boolean }): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") {
        return member;
      }
      return (...args: unknown[]): unknown =>
        cut.on ? Promise.reject(unavailable("cut off")) : (Reflect.apply(member, target, args) as unknown);
    },
  });
}
