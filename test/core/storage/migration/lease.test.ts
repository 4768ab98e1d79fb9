import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { StoreLease } from "../../../../core/storage/migration/lease.js";
import { encode, readRecord, RECORD_KEY } from "../../../../core/storage/migration/records.js";
import { SwitchableStorage, type ServingStore } from "../../../../core/storage/switchable-storage.js";
import { populate, Stores } from "./cluster.js";

describe("core/storage/migration/lease", () => {
  let stores: Stores;
  let store: ServingStore;
  let nowMs: number;
  let lease: StoreLease;
  let handle: SwitchableStorage;
  beforeEach(async () => {
    stores = new Stores();
    await populate(stores.raw("a"), 3);
    store = { ...(await stores.tools("two").open(stores.settings("a"))), epoch: 0 };
    nowMs = 0;
    lease = new StoreLease(stores.tools("two"), () => nowMs);
    handle = new SwitchableStorage(store, lease);
    await lease.hold(store);
  });
  afterEach(async () => {
    lease.end();
    await handle.close();
    await stores.dispose();
  });

  const write = (): Promise<unknown> => handle.put({ key: "/x", value: Buffer.from("1") });
  const stopped = (): void => void (nowMs += 60_000);

  it("acknowledges writes while it runs, and after a stop in which nothing happened", async () => {
    await write();
    stopped();
    await write();
  });

  it("acknowledges no write to a store that was left while this host was stopped", async () => {
    const one = await stores.host("one", "a");
    // The lease of a host that is stopped runs out: nobody waits for it.
    await stores.raw("a").delete("/extensions/storage/members/id-of-two");
    await one.migrate(stores.settings("b"));
    await write();
    stopped();
    await assert.rejects(write(), { code: "unavailable", message: /has moved to another storage while/ });
    await one.close();
  });

  it("gives no answer from a store that was left while this host was stopped", async () => {
    const one = await stores.host("one", "a");
    await stores.raw("a").delete("/extensions/storage/members/id-of-two");
    const read = (): Promise<unknown> => handle.get("/items/00001");
    const list = async (): Promise<void> => {
      for await (const _ of handle.range({ start: "/items", end: "/items0" }));
    };
    stopped();
    await read();
    await list();
    await one.migrate(stores.settings("b"));
    for (const call of [read, list, () => handle.get("/absent")]) {
      await assert.rejects(call(), { code: "unavailable", message: /has moved to another storage while/ });
    }
    await one.close();
  });

  it("waits with the acknowledgement for a decision that is pending", async () => {
    const record = { version: 1, id: "m", epoch: 1, phase: "frozen", untilMs: 0 };
    await stores.raw("a").put({ key: RECORD_KEY, value: encode(record) });
    stopped();
    let acknowledged = false;
    const written = write().then(() => (acknowledged = true));
    await pause(150);
    assert.equal(acknowledged, false);
    await stores.raw("a").put({ key: RECORD_KEY, value: encode({ ...record, phase: "aborted" }) });
    await written;
  });

  it("knows a store that another move has filled anew", async () => {
    const one = await stores.host("one", "a");
    await stores.raw("a").delete("/extensions/storage/members/id-of-two");
    await one.migrate(stores.settings("b"));
    await one.migrate(stores.settings("a"));
    assert.equal(await readRecord(stores.raw("a")), undefined);
    stopped();
    await assert.rejects(write(), { code: "unavailable" });
    await one.close();
  });
});
