import assert from "node:assert/strict";
import { ManualClock } from "../../../../core/plugin/kit/manual-clock.js";
import { storageConformance } from "../../../../core/plugin/kit/storage-conformance.js";
import { flawedStorage, flaws } from "./flawed-storage.js";

describe("core/plugin/kit/storage-conformance", () => {
  it("names every case once", () => {
    const names = storageConformance(() => Promise.reject(new Error("not run"))).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });

  for (const flaw of flaws) {
    it(`finds: ${flaw.name}`, async () => {
      const cases = storageConformance(
        async () => {
          const clock = new ManualClock();
          return { storage: flawedStorage(flaw, clock), clock };
        },
        { patienceMs: 200 },
      ).filter(({ name }) => flaw.caughtBy.test(name));
      assert.equal(cases.length, 1);
      await assert.rejects(async () => cases[0]?.run(), { name: /^(AssertionError|CodedError)$/ });
    });
  }
});
