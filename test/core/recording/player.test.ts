import assert from "node:assert/strict";
import { FrameReader } from "../../../core/recording/frames.js";
import {
  advance,
  moveTo,
  setSpeed,
  shortenPause,
  startPlayer,
  step,
  togglePause,
  untilDue,
} from "../../../core/recording/player.js";
import { fixture } from "../../kit/paths.js";
import { eventLines } from "./recorded.js";

const print = (ms: number, offset: number, bytes: number) => ({ event: "print", ms, offset, bytes });

describe("frames of a recording", () => {
  const framesOf = (events: readonly Record<string, unknown>[]) => {
    const reader = new FrameReader();
    return events.map((event) => reader.read(event)).filter((frame) => frame !== undefined);
  };

  it("are its output and its sizes, in order", () => {
    const frames = framesOf([
      { event: "session.start", size: "80:25" },
      print(0, 0, 10),
      print(100, 10, 5),
      { event: "resize", size: "100:30" },
      print(300, 15, 1),
      { event: "session.end" },
    ]);
    assert.deepEqual(frames, [
      { elapsedMs: 0, offset: 0, bytes: 0, size: { columns: 80, rows: 25 } },
      { elapsedMs: 0, offset: 0, bytes: 10 },
      { elapsedMs: 100, offset: 10, bytes: 5 },
      { elapsedMs: 100, offset: 15, bytes: 0, size: { columns: 100, rows: 30 } },
      { elapsedMs: 300, offset: 15, bytes: 1 },
    ]);
  });

  it("go on where a clock stepped back, and ignore what is no size", () => {
    const frames = framesOf([
      print(500, 0, 1),
      print(200, 1, 1),
      { event: "resize", size: "0:0" },
      { event: "resize", size: "99999:1" },
      { event: "resize", size: 7 },
    ]);
    assert.deepEqual(
      frames.map(({ elapsedMs }) => elapsedMs),
      [500, 500],
    );
  });

  it("cover all output of 4.2's recording without a gap", () => {
    const frames = framesOf(eventLines(fixture("recording"), "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25"));
    let end = 0;
    for (const { offset, bytes } of frames) {
      assert.equal(offset, end);
      end = offset + bytes;
    }
    assert.ok(end > 0);
  });
});

describe("the player", () => {
  const player = startPlayer({ pauses: { kind: "as-4.2" }, speed: 1 });

  it("cuts pauses as 4.2 does, or to a limit", () => {
    const gaps = [0, 5, 10, 250, 251, 500, 501, 1000, 1001, 3_600_000];
    assert.deepEqual(
      gaps.map((ms) => shortenPause({ kind: "as-4.2" }, ms)),
      [0, 0, 10, 250, 250, 250, 500, 500, 1000, 1000],
    );
    assert.equal(shortenPause({ kind: "at-most", limitMs: 2000 }, 1500), 1500);
    assert.equal(shortenPause({ kind: "at-most", limitMs: 2000 }, 9e6), 2000);
  });

  it("says when the next frame is due, at any speed", () => {
    assert.equal(untilDue(player, 200), 200);
    assert.equal(untilDue(advance(player, 150), 200), 50);
    assert.equal(untilDue(setSpeed(player, 2), 200), 100);
    assert.equal(untilDue(advance(player, 500), 200), 0);
  });

  it("counts time that was waited too long for the next frame", () => {
    const after = step(advance(player, 260), 200);
    assert.deepEqual([after.position, after.elapsedMs, after.waitedMs], [1, 200, 60]);
    assert.equal(untilDue(after, 300), 40);
  });

  it("stands still while paused, and waits anew after a move", () => {
    assert.equal(untilDue(advance(togglePause(player), 1000), 200), 200);
    const moved = moveTo(advance(player, 150), 7, 5000);
    assert.deepEqual([moved.position, untilDue(moved, 5100)], [7, 100]);
  });

  it("keeps the speed within bounds", () => {
    assert.equal(setSpeed(player, 100).speed, 8);
    assert.equal(setSpeed(player, 0.01).speed, 0.25);
  });
});
