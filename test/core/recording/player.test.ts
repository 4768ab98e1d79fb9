import assert from "node:assert/strict";
import {
  advance,
  buildFrames,
  elapsedOf,
  isAtEnd,
  seek,
  setSpeed,
  startPlayer,
  togglePause,
  untilNext,
} from "../../../core/recording/player.js";
import { fixture } from "../../kit/paths.js";
import { eventLines } from "./recorded.js";

const print = (ms: number, offset: number, bytes: number) => ({ event: "print", ms, offset, bytes });

describe("the player", () => {
  const frames = buildFrames([
    { event: "session.start", size: "80:25" },
    print(0, 0, 10),
    print(100, 10, 5),
    { event: "resize", size: "100:30" },
    print(300, 15, 1),
    { event: "session.end" },
  ]);

  it("makes frames of prints and sizes, in order", () => {
    assert.deepEqual(frames, [
      { atMs: 0, elapsedMs: 0, offset: 0, bytes: 0, size: { columns: 80, rows: 25 } },
      { atMs: 0, elapsedMs: 0, offset: 0, bytes: 10 },
      { atMs: 100, elapsedMs: 100, offset: 10, bytes: 5 },
      { atMs: 100, elapsedMs: 100, offset: 15, bytes: 0, size: { columns: 100, rows: 30 } },
      { atMs: 300, elapsedMs: 300, offset: 15, bytes: 1 },
    ]);
  });

  it("cuts pauses as 4.2 does", () => {
    const gaps = [0, 5, 10, 250, 251, 500, 501, 1000, 1001, 3_600_000];
    const cut = gaps.map((gap) => buildFrames([print(0, 0, 1), print(gap, 1, 1)])[1]?.atMs);
    assert.deepEqual(cut, [0, 0, 10, 250, 250, 250, 500, 500, 1000, 1000]);
  });

  it("reads 4.2's sample: every byte once, sizes in place", async () => {
    const sample = buildFrames(eventLines(fixture("recording"), "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25"));
    assert.deepEqual(sample[0]?.size, { columns: 100, rows: 30 });
    let offset = 0;
    for (const frame of sample.filter(({ bytes }) => bytes > 0)) {
      assert.equal(frame.offset, offset);
      offset += frame.bytes;
    }
    assert.equal(offset, 526);
  });

  it("stands hostile numbers", () => {
    const odd = buildFrames([
      { event: "print", ms: -5, offset: "x", bytes: NaN },
      print(50, 3, 2),
      print(20, 5, 1),
    ]);
    assert.deepEqual(
      odd.map(({ atMs, elapsedMs }) => [atMs, elapsedMs]),
      [
        [0, 0],
        [50, 50],
        [50, 50],
      ],
    );
  });

  it("shows frames as their time comes and says how long to wait", () => {
    let { state, frames: shown } = advance(startPlayer(frames), 0);
    assert.equal(shown.length, 2);
    assert.equal(untilNext(state), 100);
    ({ state, frames: shown } = advance(state, 60));
    assert.deepEqual([shown.length, untilNext(state)], [0, 40]);
    ({ state, frames: shown } = advance(state, 40));
    assert.deepEqual(shown, frames.slice(2, 4));
    ({ state } = advance(state, 1_000));
    assert.ok(isAtEnd(state) && untilNext(state) === undefined);
    assert.equal(elapsedOf(state), 300);
  });

  it("stops while paused and goes on where it was", () => {
    let { state } = advance(startPlayer(frames), 50);
    state = togglePause(state);
    assert.equal(untilNext(state), undefined);
    assert.equal(advance(state, 10_000).frames.length, 0);
    state = togglePause(state);
    assert.equal(untilNext(state), 50);
  });

  it("plays faster and slower within bounds", () => {
    const { state } = advance(startPlayer(frames), 0);
    assert.equal(untilNext(setSpeed(state, 2)), 50);
    assert.equal(untilNext(setSpeed(state, 0.5)), 200);
    assert.equal(setSpeed(state, 100).speed, 8);
    assert.equal(setSpeed(state, 0).speed, 0.25);
  });

  it("goes forward without repainting and back by repainting from the start", () => {
    const { state } = advance(startPlayer(frames), 0);
    const forward = seek(state, 2);
    assert.deepEqual([forward.clear, forward.frames], [false, frames.slice(2, 4)]);
    assert.equal(untilNext(forward.state), 200);
    const back = seek(forward.state, -1);
    assert.deepEqual([back.clear, back.frames], [true, frames.slice(0, 3)]);
    assert.deepEqual(seek(back.state, -100).state.position, 0);
    assert.ok(isAtEnd(seek(back.state, 100).state));
    assert.equal(seek(startPlayer(frames), -1).clear, false);
  });
});
