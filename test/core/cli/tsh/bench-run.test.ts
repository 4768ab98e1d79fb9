import assert from "node:assert/strict";
import { latencyHistogram, runBench } from "../../../../core/cli/tsh/bench-run.js";
import { ManualClock } from "../../ssh/manual-clock.js";

describe("the load of tsh bench", () => {
  it("originates at its rate, counts failures, and lets nothing count from later than it was due", async () => {
    const clock = new ManualClock();
    let made = 0;
    const done = runBench(
      {
        threads: 1,
        durationMs: 1000,
        rate: 4,
        request: () => {
          made += 1;
          if (made === 2) return Promise.reject(new Error("second"));
          return clock.sleep(600);
        },
      },
      clock,
    );
    const finished = done.then(() => true);
    while (!(await Promise.race([finished, new Promise<false>((go) => setImmediate(() => go(false)))]))) {
      await clock.advance(50);
    }
    const result = await done;
    assert.deepEqual([result.originated, result.failed, result.lastError], [4, 1, "second"]);
    // Due at 0, 500 and 750; the one thread gets to them at 0, 600 and 1200.
    assert.deepEqual(result.latenciesMs, [600, 700, 1050]);
  });

  it("shows percentiles by nearest rank", () => {
    const rows = latencyHistogram(Array.from({ length: 200 }, (_, i) => 200 - i));
    assert.deepEqual(rows, [
      ["25", "50 ms"],
      ["50", "100 ms"],
      ["75", "150 ms"],
      ["90", "180 ms"],
      ["95", "190 ms"],
      ["99", "198 ms"],
      ["100", "200 ms"],
    ]);
    assert.deepEqual(latencyHistogram([7]).at(0), ["25", "7 ms"]);
    assert.deepEqual(latencyHistogram([]), []);
  });
});
