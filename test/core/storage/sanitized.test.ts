import assert from "node:assert/strict";
import type { Storage } from "@teleport/plugin";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { sanitized } from "../../../core/storage/sanitized.js";

const value = Buffer.from("x");
const refused = {
  code: "bad_parameter",
  message:
    "special characters are not allowed in resource names, please use name composed only from characters, hyphens and dots",
};

describe("core/storage/sanitized", () => {
  for (const key of [
    "/users/a+b",
    "/users//a",
    "/users/a b",
    "/users/ä",
    "/users/a\n",
    "/users/a%2f",
    "/users/a*",
  ]) {
    const operations: Record<string, (storage: Storage) => Promise<unknown>> = {
      create: (storage) => storage.create({ key, value }),
      put: (storage) => storage.put({ key, value }),
      update: (storage) => storage.update({ key, value }),
      compareAndSwap: (storage) => storage.compareAndSwap({ key, value }, "1"),
      get: (storage) => storage.get(key),
      range: async (storage) => {
        for await (const item of storage.range({ start: key, end: "/z" })) assert.fail(item.key);
      },
      delete: (storage) => storage.delete(key),
      deleteRange: (storage) => storage.deleteRange({ start: key, end: "/z" }),
      keepAlive: (storage) => storage.keepAlive(key, new Date()),
      watch: async (storage) => storage.watch([key]),
    };
    it(`refuses ${JSON.stringify(key)} in every operation, and nothing reaches the storage`, async () => {
      const memory = createMemoryStorage();
      await memory.put({ key: "/users/zoe", value });
      for (const operation of Object.values(operations)) {
        await assert.rejects(operation(sanitized(memory)), refused);
      }
      assert.equal(await memory.deleteRange({ start: "/", end: "0" }), 1);
      await memory.close();
    });
  }

  it("lets every key of 4.2's layout pass", async () => {
    const storage = sanitized(createMemoryStorage());
    for (const key of [
      ".locks/main.example.com",
      "/web/users/al@example.com/params",
      "/nodes/default/4b6e-01",
    ]) {
      await storage.create({ key, value });
      assert.equal((await storage.get(key)).key, key);
    }
    await storage.close();
  });

  const conformance = storageConformance(async () => {
    const clock = new ManualClock();
    return { storage: sanitized(createMemoryStorage(clock)), clock };
  });
  for (const { name, run } of conformance.filter(
    ({ name }) => !/keys are compared exactly|UTF-8 bytes|counted in bytes, not in letters/.test(name),
  )) {
    it(`keeps the contract: ${name}`, run);
  }
});
