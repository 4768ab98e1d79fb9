import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";

describe("core/storage/memory-storage", () => {
  const cases = storageConformance(async () => {
    const clock = new ManualClock();
    return { storage: createMemoryStorage(clock), clock };
  });
  for (const { name, run } of cases) {
    it(name, run);
  }
});
