import assert from "node:assert/strict";
import { systemClock } from "@teleport/plugin";
import { ManualClock } from "../../../../core/plugin/kit/manual-clock.js";
import { prefixedStorage } from "../../../../core/plugin/kit/prefixed-storage.js";
import { runCases } from "../../../../core/plugin/kit/run-cases.js";
import { storageConformance } from "../../../../core/plugin/kit/storage-conformance.js";
import { createMemoryStorage } from "../../../../core/storage/memory-storage.js";
import { SharedMemory } from "./shared-memory.js";

describe("core/plugin/kit/prefixed-storage", () => {
  it("keeps the whole contract beside other keys, which it neither shows nor touches", async function () {
    this.timeout(60_000);
    const failed: string[] = [];
    const make = async () => {
      const clock = new ManualClock();
      const store = new SharedMemory(clock);
      const outside = store.open();
      const others = ["/kit/a", "/a", "/a/kitt", "/b/kit/a", "/a0"];
      for (const key of others) await outside.put({ key, value: Buffer.from("other") });
      const open = () => prefixedStorage(store.open(), "/a/1");
      return {
        storage: open(),
        clock,
        peer: async () => open(),
        outage: (during: () => Promise<void>) => store.outage(during),
        dispose: async () => {
          for (const key of others) await outside.get(key);
        },
      };
    };
    await runCases(storageConformance(make, { outage: true, pagingItems: 2000 }), {
      onOutcome: ({ name }, outcome) => {
        if (outcome.status === "failed") failed.push(`${name}: ${String(outcome.error)}`);
      },
    });
    assert.deepEqual(failed, []);
  });

  it("closes by the given function, and leaves room for the prefix in its limit of keys", async () => {
    const memory = createMemoryStorage(systemClock);
    let closed = 0;
    const storage = prefixedStorage(memory, "/é/", async () => void closed++);
    assert.equal(storage.capabilities.maxKeyBytes, memory.capabilities.maxKeyBytes - 4);
    await storage.close();
    assert.equal(closed, 1);
    await memory.put({ key: "/x", value: Buffer.from("x") });
    await memory.close();
  });
});
