import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { readKeys } from "../../../../core/cli/tsh/play-keys.js";
import { dumpSession, playSession } from "../../../../core/cli/tsh/play-session.js";
import { SessionOutput } from "../../../../core/cli/tsh/session-output.js";
import { ManualClock } from "../../../../core/plugin/kit/manual-clock.js";
import { buildFrames } from "../../../../core/recording/player.js";

const print = (offset: number, bytes: number, ms: number): Record<string, unknown> => ({
  event: "print",
  offset,
  bytes,
  ms,
});

describe("tsh play", () => {
  const recorded = Buffer.from("onetwothree");
  const frames = buildFrames([
    { event: "session.start", size: "100:30" },
    print(0, 3, 0),
    print(3, 3, 400),
    print(6, 5, 60_400),
  ]);
  let clock: ManualClock;
  let terminal: PassThrough;
  let shown: string;
  let fetched: number;

  beforeEach(() => {
    clock = new ManualClock();
    terminal = new PassThrough();
    shown = "";
    fetched = 0;
  });

  const parts = () => ({
    frames,
    output: new SessionOutput(
      {
        getSessionChunk: async (_id, offset, maxBytes) => {
          fetched++;
          return recorded.subarray(offset, offset + Math.min(maxBytes, 4));
        },
      },
      "id",
    ),
    screen: {
      write: async (data: string | Uint8Array) => void (shown += Buffer.from(data as Uint8Array).toString()),
      columns: () => 80,
    },
  });
  const play = (): Promise<void> => playSession({ ...parts(), clock, keys: readKeys(terminal) });
  /** Lets everything happen that needs no time. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await turn();
  };
  const text = (): string => shown.replace(/\u001b7.*?\u001b8|\u001b\[[\d;]*t/g, "");

  it("shows output in time, long pauses cut to a second, and the recorded size", async () => {
    const playing = play();
    await clock.advance(0);
    await settle();
    assert.match(shown, /\u001b\[8;30;100t/);
    assert.equal(text(), "one");
    await clock.advance(249);
    await settle();
    assert.equal(text(), "one");
    await clock.advance(1);
    await settle();
    assert.equal(text(), "onetwo");
    await clock.advance(1000);
    await playing;
    assert.equal(text(), "onetwothree");
  });

  it("pauses, goes forward, and back by painting anew", async () => {
    const playing = play();
    await settle();
    terminal.write(" ");
    await settle();
    await clock.advance(60_000);
    await settle();
    assert.equal(text(), "one");
    terminal.write("\u001b[C");
    await settle();
    assert.equal(text(), "onetwothree");
    terminal.write("\u001b[D");
    await settle();
    assert.match(text(), /\u001b\[H\u001b\[2Jonetwo$/);
    terminal.write("\u0003");
    await playing;
  });

  it("plays faster and slower", async () => {
    const playing = play();
    await settle();
    terminal.write("+");
    await settle();
    await clock.advance(125);
    await settle();
    assert.equal(text(), "onetwo");
    terminal.write("\u0004");
    await playing;
  });

  it("writes all at once where nobody watches, fetching piece by piece", async () => {
    await dumpSession(parts());
    assert.equal(shown, "onetwothree");
    assert.equal(fetched, 3);
  });

  it("fails where the recording is shorter than its events say", async () => {
    const { screen, output } = parts();
    const longer = buildFrames([print(0, 100, 0)]);
    await assert.rejects(dumpSession({ frames: longer, output, screen }), /ends before its last event/);
  });
});
