import assert from "node:assert/strict";
import { accessDenied, unavailable } from "../../../core/errors/error.js";
import { retryWhileUnavailable } from "../../../core/session/retry.js";
import type { Clock } from "../../../core/plugin/clock.js";

describe("retry", () => {
  /** A clock that sleepers move. */
  const clock = (): Clock => {
    let nowMs = 0;
    return {
      now: () => new Date(nowMs),
      sleep: async (ms) => void (nowMs += ms),
    };
  };
  const failing = (failures: number, error: Error): { work: () => Promise<number>; count: () => number } => {
    let count = 0;
    const work = async (): Promise<number> => {
      if (++count <= failures) throw error;
      return count;
    };
    return { work, count: () => count };
  };

  it("goes on until the work succeeds", async () => {
    const { work } = failing(5, unavailable("away"));
    assert.equal(await retryWhileUnavailable(work, { clock: clock(), forMs: 60_000 }), 6);
  });

  it("gives up in time", async () => {
    const { work, count } = failing(1_000, unavailable("away"));
    await assert.rejects(retryWhileUnavailable(work, { clock: clock(), forMs: 10_000 }), /away/);
    assert.equal(count(), 11);
  });

  it("does not repeat what can only fail", async () => {
    const { work, count } = failing(1_000, accessDenied("no"));
    await assert.rejects(retryWhileUnavailable(work, { clock: clock(), forMs: 10_000 }), /no/);
    assert.equal(count(), 1);
  });

  it("stops when told to", async () => {
    const { work, count } = failing(1_000, unavailable("away"));
    const signal = AbortSignal.abort();
    await assert.rejects(retryWhileUnavailable(work, { clock: clock(), forMs: 10_000, signal }), /away/);
    assert.equal(count(), 1);
  });
});
