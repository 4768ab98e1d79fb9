import assert from "node:assert/strict";
import { unavailable, type Storage } from "@teleport/plugin";
import { ManualClock } from "../../../../core/plugin/kit/manual-clock.js";
import { createMemoryStorage } from "../../../../core/storage/memory-storage.js";
import { LEADER_LEASE_MS, LedRecord } from "../../../../core/storage/migration/led-record.js";
import { SKEW_MS } from "../../../../core/storage/migration/members.js";
import { readRecord, type MigrationRecord } from "../../../../core/storage/migration/records.js";

const FIRST: MigrationRecord = {
  version: 1,
  id: "one",
  epoch: 1,
  phase: "copying",
  leader: { id: "id-of-one", name: "one" },
  untilMs: 0,
  startedAt: "",
  changedAt: "",
  target: { type: "b", settings: {} },
  claimed: false,
  copied: 0,
};

describe("core/storage/migration/led-record", () => {
  let clock: ManualClock;
  let source: Storage;
  const led: LedRecord[] = [];
  beforeEach(() => {
    clock = new ManualClock();
    source = createMemoryStorage(clock);
  });
  afterEach(async () => {
    for (const record of led.splice(0)) await record.stop();
    await source.close();
  });

  async function begin(id = "one"): Promise<LedRecord> {
    const record = await LedRecord.begin(source, clock, { ...FIRST, id });
    led.push(record);
    return record;
  }

  /** The next write is done, but from then on the store does not answer until it is mended. */
  function dieAfterNextWrite(): { mend(): void } {
    const { get, compareAndSwap } = source;
    const dead = () => Promise.reject(unavailable("the storage does not answer"));
    source.compareAndSwap = async (item, revision) => {
      await compareAndSwap.call(source, item, revision);
      Object.assign(source, { get: dead, compareAndSwap: dead });
      return dead();
    };
    return { mend: () => Object.assign(source, { get, compareAndSwap }) };
  }

  it("finds out, however late, that its commit was done", async () => {
    const record = await begin();
    const outage = dieAfterNextWrite();
    await assert.rejects(record.step({ phase: "committed", changedAt: "1" }, 0), { code: "unavailable" });
    outage.mend();
    await record.step({ phase: "committed", changedAt: "2" }, 0);
    assert.equal(record.value.phase, "committed");
    assert.equal(record.lost.aborted, false);
  });

  it("never takes a commit back by renewing what it knew before", async () => {
    const record = await begin();
    const outage = dieAfterNextWrite();
    await assert.rejects(record.step({ phase: "committed" }, 0), { code: "unavailable" });
    outage.mend();
    await record.step({}, 0);
    assert.equal((await readRecord(source))?.value.phase, "committed");
    assert.equal(record.value.phase, "committed");
  });

  it("goes on behind a renewal whose answer was lost", async () => {
    const record = await begin();
    const outage = dieAfterNextWrite();
    await assert.rejects(record.step({ copied: 1 }, 0), { code: "unavailable" });
    outage.mend();
    await record.step({ phase: "freezing" }, 1000);
    assert.equal((await readRecord(source))?.value.phase, "freezing");
  });

  it("takes a failure that says nothing for one after which everything is possible", async () => {
    const record = await begin();
    const swap = source.compareAndSwap.bind(source);
    source.compareAndSwap = async (...args) => {
      await swap(...args);
      throw new Error("the socket was closed");
    };
    await record.step({ phase: "committed" }, 0);
    assert.equal(record.value.phase, "committed");
  });

  it("begins no migration out of a store that the cluster has left", async () => {
    await (await begin()).step({ phase: "committed" }, 0);
    await assert.rejects(begin("two"), { code: "compare_failed", message: /has just moved/ });
    assert.equal((await readRecord(source))?.value.phase, "committed");
  });

  it("leaves a leader alone for as long as it may believe that it leads", async () => {
    await (await begin()).stop();
    await clock.advance(LEADER_LEASE_MS + SKEW_MS - 1);
    await assert.rejects(begin("two"), /is being moved already, by one/);
    await clock.advance(1);
    await begin("two");
  });

  it("lets one of two begin", async () => {
    const results = await Promise.allSettled([begin("one"), begin("two")]);
    const refused = results.filter(({ status }) => status === "rejected");
    assert.equal(refused.length, 1);
    assert.match(String((refused[0] as PromiseRejectedResult).reason), /another migration is just beginning/);
  });
});
