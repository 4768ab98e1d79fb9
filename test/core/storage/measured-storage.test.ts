import assert from "node:assert/strict";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { unavailable } from "../../../core/errors/error.js";
import type { Storage, StorageEvent } from "../../../core/plugin/storage.js";
import {
  isBackendFailure,
  measured,
  type StorageMeter,
  type StorageOperation,
} from "../../../core/storage/measured-storage.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";

/** A meter that keeps what it is told. */
function recorder() {
  const operations: StorageOperation[] = [];
  const watches: string[] = [];
  const meter: StorageMeter = {
    operation: (operation) => void operations.push(operation),
    watch() {
      watches.push("watch");
      return {
        busy: (isBusy) => void watches.push(isBusy ? "busy" : "free"),
        reset: () => void watches.push("reset"),
        ended: () => void watches.push("ended"),
      };
    },
  };
  return { meter, operations, watches };
}

const item = (key: string, value = "v") => ({ key, value: Buffer.from(value) });

describe("core/storage/measured-storage", () => {
  describe("keeps the contract", () => {
    const cases = storageConformance(async () => {
      const clock = new ManualClock();
      return { storage: measured(createMemoryStorage(clock), [recorder().meter]), clock };
    });
    for (const { name, run } of cases) it(name, run);
  });

  it("tells every verb with its key, time and outcome", async () => {
    const { meter, operations } = recorder();
    let ms = 0;
    const storage = measured(createMemoryStorage(), [meter], () => (ms += 500));
    const revision = await storage.create(item("/a/1"));
    await assert.rejects(storage.create(item("/a/1")), { code: "already_exists" });
    await storage.put(item("/a/2"));
    const updated = await storage.update(item("/a/1"), revision);
    await assert.rejects(storage.compareAndSwap(item("/a/1"), "other"), { code: "compare_failed" });
    await storage.compareAndSwap(item("/a/1"), updated);
    await storage.get("/a/1");
    await assert.rejects(storage.get("/absent"), { code: "not_found" });
    await storage.keepAlive("/a/1", new Date(Date.now() + 60_000));
    await storage.delete("/a/2");
    await storage.deleteRange({ start: "/a/", end: "/a0" });
    assert.deepEqual(
      operations.map(({ verb, key, seconds, code }) => `${verb} ${key} ${seconds} ${code ?? "ok"}`),
      [
        "create /a/1 0.5 ok",
        "create /a/1 0.5 already_exists",
        "put /a/2 0.5 ok",
        "update /a/1 0.5 ok",
        "compareAndSwap /a/1 0.5 compare_failed",
        "compareAndSwap /a/1 0.5 ok",
        "get /a/1 0.5 ok",
        "get /absent 0.5 not_found",
        "keepAlive /a/1 0.5 ok",
        "delete /a/2 0.5 ok",
        "deleteRange /a/ 0.5 ok",
      ],
    );
    await storage.close();
  });

  it("counts of a range what its reader waited, not what he did meanwhile", async () => {
    const { meter, operations } = recorder();
    let ms = 0;
    const storage = measured(createMemoryStorage(), [meter], () => (ms += 1));
    for (const key of ["/a/1", "/a/2", "/a/3"]) await storage.put(item(key));
    operations.length = 0;
    for await (const _item of storage.range({ start: "/a/", end: "/a0" })) ms += 60_000;
    // Three items and the end were waited for, a tick each.
    assert.deepEqual(operations, [{ verb: "range", key: "/a/", seconds: 0.004, code: undefined }]);
    // One that is left early is over, too.
    for await (const _item of storage.range({ start: "/a/", end: "/a0" })) break;
    assert.equal(operations.length, 2);
    await storage.close();
  });

  it("does not blame the backend for a range that its reader has given up", async () => {
    const { meter, operations } = recorder();
    const storage = measured(createMemoryStorage(), [meter]);
    for (const key of ["/a/1", "/a/2"]) await storage.put(item(key));
    operations.length = 0;
    const given = new AbortController();
    const reading = (async () => {
      for await (const _item of storage.range({ start: "/a/", end: "/a0" }, { signal: given.signal }))
        given.abort(unavailable("enough"));
    })();
    await assert.rejects(reading, { message: "enough" });
    assert.equal(operations[0]?.code, undefined);
    await storage.close();
    await assert.rejects(async () => {
      for await (const _item of storage.range({ start: "/a/", end: "/a0" }));
    }, /closed/);
    assert.equal(operations[1]?.code, "unavailable");
  });

  it("knows what is the backend's failure: an unknown error is, a refusal is not", () => {
    for (const code of ["unavailable", "corrupt", "internal"] as const)
      assert.ok(isBackendFailure(code), code);
    for (const code of [undefined, "not_found", "already_exists", "compare_failed"] as const)
      assert.ok(!isBackendFailure(code), code);
  });

  it("tells an error without a code as internal, and hands it on as it is", async () => {
    const { meter, operations } = recorder();
    const broken = { get: () => Promise.reject(new TypeError("boom")) } as unknown as Storage;
    await assert.rejects(measured(broken, [meter]).get("/a"), TypeError);
    assert.equal(operations[0]?.code, "internal");
  });

  it("tells of watches how they go on", async () => {
    const { meter, watches } = recorder();
    const storage = measured(createMemoryStorage(undefined, { historySize: 2 }), [meter]);
    const seen: StorageEvent["type"][] = [];
    for await (const { type } of storage.watch(["/a/"])) {
      seen.push(type);
      if (type === "init") for (let n = 0; n < 5; n++) await storage.put(item(`/a/${n}`));
      if (type === "reset") break;
    }
    assert.deepEqual(seen, ["init", "reset"]);
    assert.deepEqual(watches, ["watch", "busy", "free", "reset", "busy", "ended"]);
    await storage.close();
  });
});
