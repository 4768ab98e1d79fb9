import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { TimeSlices } from "../../../plugins/backend-dir/time-slices.js";

/** Keeps the thread busy. */
function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

describe("plugins/backend-dir/time-slices", () => {
  it("runs a task at once while the turn is young", () => {
    let ran = false;
    void new TimeSlices(4).run(() => (ran = true));
    assert.equal(ran, true);
  });

  it("passes on results and errors", async () => {
    const slices = new TimeSlices(0);
    assert.equal(await slices.run(() => 1), 1);
    const fails = (): never => {
      throw new Error("no");
    };
    await assert.rejects(slices.run(fails), /no/);
    work(1);
    await assert.rejects(slices.run(fails), /no/);
  });

  it("spreads many tasks over many turns, in order", async () => {
    const slices = new TimeSlices(2);
    const order: number[] = [];
    let turns = 0;
    let running = true;
    const counter = (async () => {
      while (running) {
        await turn();
        turns++;
      }
    })();
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        slices.run(() => {
          work(1);
          order.push(n);
        }),
      ),
    );
    running = false;
    await counter;
    assert.deepEqual(
      order,
      Array.from({ length: 40 }, (_, n) => n),
    );
    assert.ok(turns >= 10, `${turns} turns`);
  });

  it("tasks that follow each other without a turn in between are spread too", async () => {
    const slices = new TimeSlices(2);
    let turned = false;
    setImmediate(() => (turned = true));
    for (let n = 0; n < 5; n++) {
      await slices.run(() => work(1));
    }
    assert.equal(turned, true);
  });
});
