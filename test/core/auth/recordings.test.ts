import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { notFound } from "../../../core/errors/error.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import type { RecordingStore } from "../../../core/plugin/recording.js";
import { createPlayback } from "../../../core/recording/playback.js";
import { fixture, temporaryFolder } from "../../kit/paths.js";
import { role } from "../access/sample-roles.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";
import { MovingClock } from "./moving-clock.js";

/** A recording by stock 4.2.12: an interactive session on this node. */
const SESSION = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";
const NODE = "c90cd53e-7cd8-403f-92df-46f25929495f";
const OTHER = "33333333-3333-4333-8333-333333333333";
const ARCHIVE = readFileSync(fixture("recording", "session-recording.tar"));

const ON_RECORD = {
  code: "access_denied",
  message: `a session with the id ${SESSION} is on record already: choose another id`,
};

describe("recordings of hosts", () => {
  let auth: AuthFixture;
  let stored: Map<string, Buffer>;
  let removeFolder: () => Promise<void>;

  beforeEach(async () => {
    const { folder, remove } = await temporaryFolder();
    removeFolder = remove;
    stored = new Map();
    const store = memoryRecordings(stored);
    const clock = new MovingClock("2026-11-22T12:00:00Z");
    const cacheDirectory = path.join(folder, "playbacks");
    const playback = createPlayback({ store, cacheDirectory, clock, log: silentLogger });
    auth = await startAuth({}, { clock, recordings: { store, playback } });
  });
  afterEach(async () => {
    await auth.close();
    await removeFolder();
  });

  const upload = (hostId: string, sessionId = SESSION, archive = ARCHIVE) =>
    auth.as("Node", hostId).uploadSessionRecording(sessionId, inPieces(archive));

  it("are checked, stored, audited and played back", async () => {
    await upload(NODE);
    assert.deepEqual(auth.events, [
      { event: "session.upload", code: "T2005I", sid: SESSION, url: `memory://${SESSION}`, ei: 2147483647 },
    ]);
    const events = await auth.asUser("alice").getSessionEvents(SESSION);
    assert.equal(events[0]?.["event"], "session.start");
    assert.equal((await auth.asUser("alice").getSessionEvents(SESSION, 2))[0]?.["id"], 2);
    const output = await auth.asUser("alice").getSessionChunk(SESSION, 0, 4);
    assert.equal(output.length, 4);
    assert.equal((await auth.asUser("alice").getSessionChunk(SESSION, 1 << 20, 4)).length, 0);
  });

  it("are played to those who took part, where a rule's condition says so", async () => {
    await upload(NODE);
    const rule = {
      resources: ["session"],
      verbs: ["list", "read"],
      where: "contains(session.participants, user.metadata.name)",
    };
    await auth.as("Admin").upsertRole(role("viewer", { allow: { rules: [rule] } }));
    const as = (name: string) => auth.asUser(name, { roles: ["viewer"] });
    const [start] = await auth.asUser("admin").getSessionEvents(SESSION);
    const participant = String(start?.["user"]);
    assert.equal((await as(participant).getSessionEvents(SESSION))[0]?.["event"], "session.start");
    assert.equal((await as(participant).getSessionChunk(SESSION, 0, 4)).length, 4);
    await assert.rejects(as("stranger").getSessionEvents(SESSION), { code: "access_denied" });
    await assert.rejects(as("stranger").getSessionChunk(SESSION, 0, 4), { code: "access_denied" });
    await assert.rejects(
      as("stranger").getSessionEvents(OTHER),
      { code: "access_denied" },
      "no hint what exists",
    );
  });

  it("may be sent again by their host, and replaced by no other", async () => {
    await upload(NODE);
    await upload(NODE);
    assert.equal(auth.events.length, 2, "each time it is audited: the first time may have been cut off");
    await assert.rejects(upload(OTHER), { code: "bad_parameter" });
    assert.deepEqual(stored.get(SESSION), ARCHIVE);
  });

  it("are not replaced by another recording of the same host", async () => {
    await upload(NODE);
    const longer = Buffer.concat([ARCHIVE, Buffer.alloc(512)]);
    await assert.rejects(upload(NODE, SESSION, longer), ON_RECORD);
    assert.deepEqual(stored.get(SESSION), ARCHIVE);
    stored.clear();
    const both = await Promise.allSettled([upload(NODE), upload(NODE, SESSION, longer)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  });

  it("keep their session's id to themselves", async () => {
    const start = { event: "session.start", code: "T2000I", sid: SESSION, server_id: NODE };
    const node = auth.as("Node", NODE);
    const slice = () =>
      node.postSessionSlice({
        namespace: "default",
        sessionId: SESSION,
        version: 3,
        chunks: [
          {
            ...{
              timeUnixNs: 1n,
              eventType: "session.start",
              eventIndex: 0,
              chunkIndex: 0,
              offset: 0,
              delayMs: 0,
            },
            data: Buffer.from(JSON.stringify(start)),
          },
        ],
      });
    await slice();
    await node.emitAuditEvent(start);
    await upload(NODE);
    const before = auth.events.length;
    await assert.rejects(slice(), ON_RECORD);
    await assert.rejects(node.emitAuditEvent(start), ON_RECORD);
    assert.equal(auth.events.length, before);
    await node.emitAuditEvent({ ...start, event: "session.end", code: "T2004I" });
  });

  it("that name another host or another session are refused", async () => {
    await assert.rejects(upload(OTHER), { code: "bad_parameter" });
    await assert.rejects(upload(NODE, "44444444-4444-4444-8444-444444444444"), { code: "bad_parameter" });
    await assert.rejects(upload(NODE, "../../etc/passwd"), { code: "bad_parameter" });
    await assert.rejects(upload(NODE, SESSION, Buffer.alloc(100, 1)), { code: "bad_parameter" });
    assert.equal(stored.size, 0);
    assert.deepEqual(auth.events, []);
  });
});

async function* inPieces(archive: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < archive.length; at += 1000) {
    yield archive.subarray(at, at + 1000);
  }
}

function memoryRecordings(stored: Map<string, Buffer>): RecordingStore {
  const read = (sessionId: string): Buffer => {
    const archive = stored.get(sessionId);
    if (archive === undefined) {
      throw notFound("no such recording");
    }
    return archive;
  };
  const described = (sessionId: string) => ({
    url: `memory://${sessionId}`,
    sizeBytes: read(sessionId).length,
    sha256: createHash("sha256").update(read(sessionId)).digest("hex"),
  });
  return {
    async upload(sessionId, archive) {
      const pieces: Uint8Array[] = [];
      for await (const piece of archive) {
        pieces.push(piece);
      }
      stored.set(sessionId, Buffer.concat(pieces));
      return described(sessionId);
    },
    async *download(sessionId) {
      yield read(sessionId);
    },
    stat: async (sessionId) => described(sessionId),
    close: () => Promise.resolve(),
  };
}
