import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { bytes, collect, type StorageTrial } from "./trial.js";

const RANGE = { start: "/kit/", end: "/kit0" };
const ROUNDS = 8;

/** The event loop goes on while the storage works. */
export const eventLoopCases: StorageTrial[] = [
  {
    name: "1,000 writes, reads and a long range do not hold up the event loop",
    async run(trial) {
      const { storage } = trial;
      const names = Array.from({ length: 1000 }, (_, n) => `/kit/${n}`);
      let stallMs = Infinity;
      // A busy machine holds up anyone now and then; a backend that blocks does it every time.
      for (let round = 0; round < ROUNDS && stallMs >= trial.stallMs; round++) {
        stallMs = await longestStall(async () => {
          await Promise.all(names.map((key) => storage.put({ key, value: bytes(key.repeat(50)) })));
          await Promise.all(names.map((key) => storage.get(key)));
          await collect(storage, RANGE);
          await storage.deleteRange(RANGE);
        });
      }
      assert.ok(stallMs < trial.stallMs, `the event loop stood still for ${stallMs.toFixed(1)} ms`);
    },
  },
];

/**
 * The longest time between two turns of the event loop while `work` is under way, in milliseconds. Time in which the
 * machine had no processor for this thread is left out, where the system tells it.
 */
async function longestStall(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let running = true;
  const watch = (async () => {
    let before = performance.now();
    let starvedBefore = starvedMs();
    while (running) {
      await turn();
      const now = performance.now();
      const starved = starvedMs();
      longest = Math.max(longest, now - before - (starved - starvedBefore));
      before = now;
      starvedBefore = starved;
    }
  })();
  await work();
  running = false;
  await watch;
  return longest;
}

/** How long the main thread has waited for a processor, as Linux counts it; 0 where that is not known. */
function starvedMs(): number {
  try {
    return Number(readFileSync("/proc/self/schedstat", "utf8").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}
