import assert from "node:assert/strict";
import { badParameter, notImplemented, unavailable } from "../../../core/errors/error.js";
import { FrameType, type Frame } from "../../../core/recording/journal-frame.js";
import { openStreamedJournal } from "../../../core/session/streamed-journal.js";
import { MovingClock } from "../auth/moving-clock.js";

const SID = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";
const print = (text: string): Frame => ({ type: FrameType.print, timeMs: 0, payload: Buffer.from(text) });

describe("streamed journal", () => {
  let clock: MovingClock;
  let received: Buffer;
  let calls: { offset: number; bytes: number }[];
  let failure: Error | undefined;
  /** While set, auth does not answer before it resolves. */
  let held: Promise<void> | undefined;
  let finished: number;

  beforeEach(() => {
    clock = new MovingClock("2026-11-22T12:00:00Z");
    [received, calls, failure, held, finished] = [Buffer.alloc(0), [], undefined, undefined, 0];
  });

  const api = {
    async appendSessionJournal(_id: string, offset: number, frames: Uint8Array) {
      calls.push({ offset, bytes: frames.length });
      await held;
      if (failure !== undefined) throw failure;
      received = Buffer.concat([received.subarray(0, offset), frames]);
    },
    async finishSessionJournal() {
      finished++;
    },
  };
  const open = () =>
    openStreamedJournal(
      { sessionId: SID, namespace: "default", serverId: "host", clock },
      { api, clock, stopping: new AbortController().signal },
    );
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("sends what waits in one batch while another is under way", async () => {
    const journal = await open();
    let release = (): void => undefined;
    held = new Promise((resolve) => (release = resolve));
    const appends = ["a", "b", "c"].map((text) => journal.append(print(text)));
    await turn();
    release();
    await Promise.all(appends);
    assert.equal(calls.length, 3, "the header, the first, and the two that waited");
    assert.equal(calls[2]?.offset, (calls[1]?.offset ?? 0) + (calls[1]?.bytes ?? 0));
    await journal.finish();
    assert.equal(finished, 1);
    await assert.rejects(journal.append(print("late")), { code: "unavailable" });
  });

  it("sends the same bytes to the same place again while auth is away", async () => {
    const journal = await open();
    failure = unavailable("away");
    const append = journal.append(print("kept"));
    await turn();
    failure = undefined;
    clock.advance(1_000);
    await append;
    assert.deepEqual(calls[1], calls[2]);
    assert.ok(received.includes("kept"));
  });

  it("fails for good when auth has been away for ten seconds, or says no", async () => {
    for (const [error, code] of [
      [unavailable("away"), "unavailable"],
      [badParameter("no"), "bad_parameter"],
    ] as const) {
      failure = undefined;
      const journal = await open();
      failure = error;
      const append = assert.rejects(journal.append(print("lost")), { code });
      await turn();
      clock.advance(10_000);
      await append;
      assert.equal(((await journal.failed) as { code?: string }).code, code);
      await assert.rejects(journal.finish(), { code });
    }
    assert.equal(finished, 0);
  });

  it("gives up an auth server that does not answer, also where nothing is recorded", async () => {
    const journal = await open();
    held = new Promise(() => undefined);
    clock.advance(10_000);
    await turn();
    assert.equal(calls.at(-1)?.bytes, 0, "a sign of life");
    clock.advance(10_000);
    assert.match((await journal.failed).message, /has not taken the recording for 10 seconds/);
  });

  it("says what to do where auth does not know it", async () => {
    failure = notImplemented("what?");
    await assert.rejects(open(), {
      code: "not_implemented",
      message: /does not take recordings of running sessions; upgrade it, or set session_recording/,
    });
  });
});
