import assert from "node:assert/strict";
import { ManualClock } from "../../../../core/plugin/kit/manual-clock.js";

describe("core/plugin/kit/manual-clock", () => {
  it("stands still until it is moved, also backwards", async () => {
    const clock = new ManualClock(new Date(1000));
    assert.equal(clock.now().getTime(), 1000);
    await clock.advance(50);
    assert.equal(clock.now().getTime(), 1050);
    await clock.advance(-500);
    assert.equal(clock.now().getTime(), 550);
  });

  it("wakes sleepers in the order of their times, at their times", async () => {
    const clock = new ManualClock(new Date(0));
    const woken: [string, number][] = [];
    const sleep = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      woken.push([name, clock.now().getTime()]);
    };
    const all = [sleep("late", 30), sleep("early", 10)];
    await clock.advance(9);
    assert.deepEqual(woken, []);
    await clock.advance(100);
    await Promise.all(all);
    assert.deepEqual(woken, [
      ["early", 10],
      ["late", 30],
    ]);
  });

  it("lets a loop sleep again within one step", async () => {
    const clock = new ManualClock(new Date(0));
    let rounds = 0;
    const stop = new AbortController();
    const loop = (async () => {
      for (;;) {
        await clock.sleep(10, stop.signal);
        rounds++;
      }
    })();
    await clock.advance(55);
    assert.equal(rounds, 5);
    stop.abort(new Error("enough"));
    await assert.rejects(loop, /enough/);
  });

  it("does not wake whoever was aborted", async () => {
    const clock = new ManualClock(new Date(0));
    const stop = new AbortController();
    const sleep = clock.sleep(10, stop.signal);
    stop.abort(new Error("enough"));
    await assert.rejects(sleep, /enough/);
    await assert.rejects(clock.sleep(10, stop.signal), /enough/);
    await clock.advance(20);
  });
});
