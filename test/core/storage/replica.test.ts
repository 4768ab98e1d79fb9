import assert from "node:assert/strict";
import { prefixRange, silentLogger, type Item, type Storage, type StorageEvent } from "@teleport/plugin";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { createReplicatedStorage, type ReplicatedStorage } from "../../../core/storage/replica.js";
import { failing, type FailingStorage } from "./failing-storage.js";

const SCOPE = {
  prefixes: ["/roles/", "/users/", "/nodes/"],
  holds: (key: string) => !key.endsWith("/pwd"),
  lists: ({ start }: { start: string }) => ["/roles/", "/users/", "/nodes/"].includes(start),
  outlives: (key: string) => key.startsWith("/nodes/"),
  probe: "/cluster",
};
const MINUTE_MS = 60_000;

describe("core/storage/replica", () => {
  let clock: ManualClock;
  let backend: FailingStorage;
  let behind: Storage;
  let storage: ReplicatedStorage;
  let logged: string[];

  const value = (text: string): Uint8Array => Buffer.from(text);
  const texts = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const item of storage.range(prefixRange(prefix))) {
      found.push(`${item.key}=${Buffer.from(item.value).toString()}`);
    }
    return found;
  };
  const text = async (key: string): Promise<string> => Buffer.from((await storage.get(key)).value).toString();
  /** Moves the clock in small steps until `done`; fails after ten minutes of it. */
  const until = async (done: () => boolean): Promise<void> => {
    for (let step = 0; !done(); step++) {
      assert(step < 6_000, "it never came true");
      await clock.advance(100);
    }
  };
  const isAway = (): boolean => storage.health.staleSince() !== undefined;
  /** Lets the feed catch up. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  beforeEach(async () => {
    clock = new ManualClock();
    behind = createMemoryStorage(clock);
    await behind.put({ key: "/cluster", value: value("c") });
    await behind.put({ key: "/roles/a", value: value("1") });
    await behind.put({ key: "/users/joe/params", value: value("joe") });
    await behind.put({ key: "/users/joe/pwd", value: value("secret") });
    await behind.put({
      key: "/nodes/n",
      value: value("n"),
      expires: new Date(clock.now().getTime() + MINUTE_MS),
    });
    await behind.put({
      key: "/roles/short",
      value: value("s"),
      expires: new Date(clock.now().getTime() + MINUTE_MS),
    });
    backend = failing(behind);
    logged = [];
    const note = (message: string): void => void logged.push(message);
    const log = { debug: note, info: note, warn: note, error: note, child: () => log };
    storage = createReplicatedStorage(backend.storage, { scope: SCOPE, clock, log });
    await settle();
  });
  afterEach(() => storage.close());

  describe("keeps the contract", () => {
    const whole = { ...SCOPE, prefixes: ["/"], holds: () => true, lists: () => true };
    for (const { name, run } of storageConformance(async () => {
      const kitClock = new ManualClock();
      const options = { scope: whole, clock: kitClock, log: silentLogger };
      return {
        storage: createReplicatedStorage(createMemoryStorage(kitClock), options),
        clock: kitClock,
      };
    })) {
      it(name, run);
    }
  });

  for (const state of ["refusing", "silent"] as const) {
    it(`answers reads of what it holds while the backend is ${state}`, async () => {
      await storage.put({ key: "/roles/b", value: value("2") });
      backend.set(state);
      const reading = Promise.all([text("/roles/a"), texts("/roles/"), text("/users/joe/params")]);
      reading.catch(() => undefined);
      await until(isAway);
      assert.deepEqual(await reading, ["1", ["/roles/a=1", "/roles/b=2", "/roles/short=s"], "joe"]);
      await assert.rejects(storage.get("/roles/none"), { code: "not_found" });
      assert.deepEqual(logged, [
        "the storage is away: reads are answered from a replica, changes are refused",
      ]);
    });
  }

  it("never makes what it does not hold look absent", async () => {
    backend.set("refusing");
    await until(isAway);
    await assert.rejects(storage.get("/users/joe/pwd"), { code: "unavailable" });
    await assert.rejects(storage.get("/tokens/t"), { code: "unavailable" });
    await assert.rejects(texts("/users/joe/"), { code: "unavailable" });
    await assert.rejects(texts("/tokens/"), { code: "unavailable" });
  });

  it("refuses every change at once while the backend is away", async () => {
    backend.set("refusing");
    await until(isAway);
    const item = { key: "/roles/a", value: value("9") };
    const before = backend.calls();
    for (const change of [
      storage.create(item),
      storage.put(item),
      storage.update(item),
      storage.compareAndSwap(item, "1"),
      storage.delete("/roles/a"),
      storage.deleteRange(prefixRange("/roles/")),
      storage.keepAlive("/roles/a", new Date()),
    ]) {
      await assert.rejects(change, { code: "unavailable", message: /away since .*the disk is unplugged/ });
    }
    // The backend is only looked at.
    assert(backend.calls() - before < 3);
    assert.equal(await text("/roles/a"), "1");
  });

  it("comes back when the backend does, and says so once", async () => {
    backend.set("refusing");
    await until(isAway);
    await behind.put({ key: "/roles/a", value: value("changed elsewhere") });
    assert.equal(await text("/roles/a"), "1");
    backend.set("well");
    await until(() => !isAway());
    assert.equal(await text("/roles/a"), "changed elsewhere");
    assert.deepEqual(logged.slice(1), ["the storage is back"]);
    // What was missed has reached the replica too.
    await clock.advance(5_000);
    await settle();
    backend.set("refusing");
    await until(isAway);
    assert.equal(await text("/roles/a"), "changed elsewhere");
  });

  it("takes one failed read for no absence", async () => {
    backend.set("refusing");
    const reading = storage.get("/roles/a").catch((error: unknown) => error);
    backend.set("well");
    await reading;
    await settle();
    assert.equal(isAway(), false);
    assert.deepEqual(logged, []);
  });

  it("says from when its state is", async () => {
    await clock.advance(30_000);
    await storage.get("/roles/a");
    const before = clock.now().getTime();
    backend.set("silent");
    await clock.advance(60_000);
    await until(isAway);
    const since = storage.health.staleSince()!.getTime();
    assert(since <= before && since > before - 10_000, new Date(since).toISOString());
  });

  it("lets heartbeats outlive the absence, and nothing else", async () => {
    backend.set("refusing");
    await until(isAway);
    await clock.advance(10 * MINUTE_MS);
    assert.deepEqual(await texts("/nodes/"), ["/nodes/n=n"]);
    assert.deepEqual(await texts("/roles/"), ["/roles/a=1"]);
  });

  it("holds its own changes at once, also where the watch has not told them", async () => {
    await storage.put({ key: "/roles/new", value: value("n") });
    await storage.delete("/roles/a");
    await storage.deleteRange(prefixRange("/users/"));
    const later = new Date(clock.now().getTime() + 60 * MINUTE_MS);
    await storage.keepAlive("/roles/short", later);
    backend.set("refusing");
    const reading = storage.get("/roles/new");
    await reading;
    assert.deepEqual(await texts("/roles/"), ["/roles/new=n", "/roles/short=s"]);
    assert.deepEqual(await texts("/users/"), []);
    await clock.advance(2 * MINUTE_MS);
    assert.equal(await text("/roles/short"), "s");
  });

  it("hands out copies", async () => {
    backend.set("refusing");
    await until(isAway);
    (await storage.get("/roles/a")).value[0] = 0;
    assert.equal(await text("/roles/a"), "1");
  });

  it("keeps a watch over the absence, without a gap", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of storage.watch(["/roles/"], { signal: stop.signal })) seen.push(told(event));
    })();
    await settle();
    await storage.put({ key: "/roles/a", value: value("before") });
    await settle();
    backend.set("refusing");
    await until(isAway);
    await behind.put({ key: "/roles/a", value: value("during") });
    await behind.delete("/roles/short");
    backend.set("well");
    await until(() => !isAway());
    await storage.put({ key: "/roles/a", value: value("after") });
    await until(() => seen.length >= 5);
    stop.abort();
    await watching;
    assert.deepEqual(seen, ["init", "put a=before", "put a=during", "delete short", "put a=after"]);
  });

  it("starts a watch while the backend is away, where the replica stands", async () => {
    backend.set("refusing");
    await until(isAway);
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of storage.watch(["/roles/"], { signal: stop.signal })) seen.push(told(event));
    })();
    await settle();
    assert.deepEqual(seen, ["init"]);
    await behind.put({ key: "/roles/a", value: value("during") });
    backend.set("well");
    await until(() => seen.length >= 2);
    stop.abort();
    await watching;
    assert.deepEqual(seen, ["init", "put a=during"]);
    backend.set("refusing");
    await until(isAway);
    await assert.rejects(storage.watch(["/tokens/"])[Symbol.asyncIterator]().next(), {
      code: "unavailable",
    });
  });
});

function told(event: StorageEvent): string {
  const name = (key: string): string => key.slice("/roles/".length);
  const shown = ({ key, value }: Item): string => `${name(key)}=${Buffer.from(value).toString()}`;
  if (event.type === "put") return `put ${shown(event.item)}`;
  return event.type === "delete" ? `delete ${name(event.key)}` : event.type;
}
