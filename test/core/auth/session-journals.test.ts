import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { silentLogger } from "../../../core/plugin/logger.js";
import { encodeFrame, FrameType } from "../../../core/recording/journal-frame.js";
import { createPlayback } from "../../../core/recording/playback.js";
import { temporaryFolder } from "../../kit/paths.js";
import { MemoryRecordingStore } from "../recording/memory-store.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";
import { MovingClock } from "./moving-clock.js";

const SID = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";
const NODE = "c90cd53e-7cd8-403f-92df-46f25929495f";
const OTHER = "33333333-3333-4333-8333-333333333333";

const header = (changes: Record<string, unknown> = {}): Buffer =>
  frame(FrameType.header, {
    ...{ version: 1, sid: SID, namespace: "default", server_id: NODE, writer: { pid: 1, bootId: "another" } },
    ...changes,
  });
const started = (changes: Record<string, unknown> = {}): Buffer =>
  frame(FrameType.event, {
    ...{ event: "session.start", code: "T2000I", sid: SID, namespace: "default", server_id: NODE },
    ...{ time: "2026-11-22T12:00:00Z", uid: OTHER, ei: 0, user: "alice", login: "root", size: "80:25" },
    ...changes,
  });
const printed = (text: string): Buffer =>
  Buffer.concat(
    encodeFrame({ type: FrameType.print, timeMs: Date.UTC(2026, 10, 22), payload: Buffer.from(text) }),
  );

describe("journals of running sessions", () => {
  let folder: string;
  let removeFolder: () => Promise<void>;
  let auth: AuthFixture;
  let clock: MovingClock;
  let store: MemoryRecordingStore;

  const start = async (): Promise<void> => {
    const playback = createPlayback({
      ...{ store, clock, log: silentLogger },
      cacheDirectory: path.join(folder, "playbacks"),
    });
    auth = await startAuth({}, { clock, recordings: { store, playback }, journalDirectory: folder });
  };
  beforeEach(async () => {
    ({ folder, remove: removeFolder } = await temporaryFolder());
    clock = new MovingClock("2026-11-22T12:00:00Z");
    store = new MemoryRecordingStore();
    await start();
  });
  afterEach(async () => {
    await auth.close();
    await removeFolder();
  });

  const append = (offset: number, frames: Uint8Array, hostId = NODE): Promise<void> =>
    auth.as("Node", hostId).appendSessionJournal(SID, offset, frames);
  const refused = (work: Promise<void>, code: string): Promise<void> => assert.rejects(work, { code });
  /** Lets auth look for silent hosts until it has told of one. */
  const untilStored = async (): Promise<void> => {
    while (!auth.events.some(({ event }) => event === "session.upload")) {
      clock.advance(5_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const output = async (): Promise<string> =>
    Buffer.from(await auth.asUser("alice").getSessionChunk(SID, 0, 100)).toString();

  it("become recordings when they are finished, once", async () => {
    const head = Buffer.concat([header(), started()]);
    await append(0, head);
    await append(head.length, printed("one "));
    const offset = head.length + printed("one ").length;
    await append(offset, printed("two"));
    await auth.as("Node", NODE).finishSessionJournal(SID);
    await auth.as("Node", NODE).finishSessionJournal(SID);
    await untilStored();
    assert.equal(await output(), "one two");
    await refused(append(0, header()), "access_denied");
    await refused(append(offset, printed("late")), "not_found");
  });

  it("take the same bytes again, and neither others, nor gaps, nor another host's", async () => {
    const head = header();
    await append(0, head);
    await append(0, Buffer.concat([head, started()]));
    await append(0, head);
    await refused(append(0, header({ writer: { pid: 2 } })), "access_denied");
    await refused(append(100_000, printed("x")), "compare_failed");
    await refused(append(head.length, printed("x"), OTHER), "access_denied");
    await refused(auth.as("Node", OTHER).finishSessionJournal(SID), "access_denied");
  });

  it("take whole frames of their session and host alone, and claim no session for others", async () => {
    for (const bad of [
      Buffer.from("no frames at all"),
      header().subarray(0, -1),
      started(),
      Buffer.concat([header(), header()]),
      header({ sid: OTHER }),
      header({ server_id: OTHER }),
      header({ namespace: "elsewhere" }),
      Buffer.concat([header(), started({ server_id: OTHER })]),
      Buffer.alloc(0),
    ]) {
      await refused(append(0, bad), "bad_parameter");
    }
    await refused(append(10, printed("x"), OTHER), "not_found");
    assert.deepEqual(await readdir(folder), []);
  });

  it("are finished when their host falls silent, also after a restart of auth, with an end in the audit log", async () => {
    await append(0, Buffer.concat([header(), started(), printed("cut off")]));
    await auth.close();
    await start();
    await untilStored();
    const end = auth.events.find(({ event }) => event === "session.end");
    assert.deepEqual([end?.["interrupted"], end?.["participants"], end?.["ei"]], [true, ["alice"], 2]);
    assert.equal(await output(), "cut off");
  });

  it("are open to hosts alone", async () => {
    await refused(
      auth.asUser("alice", { roles: [] }).appendSessionJournal(SID, 0, header()),
      "access_denied",
    );
    await refused(auth.asNobody().appendSessionJournal(SID, 0, header()), "access_denied");
  });
});

function frame(type: typeof FrameType.header | typeof FrameType.event, value: unknown): Buffer {
  return Buffer.concat(encodeFrame({ type, payload: Buffer.from(JSON.stringify(value)) }));
}
