import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { hasCode, unavailable } from "../../../core/errors/error.js";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { openArchive } from "../../../core/recording/archive.js";
import { createPlayback, MAX_CHUNK_BYTES, type Playback } from "../../../core/recording/playback.js";
import { fixture, temporaryFolder } from "../../kit/paths.js";
import { MemoryRecordingStore } from "./memory-store.js";
import { eventLines, outputOf, recorderIn, recordShort } from "./recorded.js";

const SAMPLE = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";

describe("playback", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let store: MemoryRecordingStore;
  let clock: ManualClock;
  let playback: Playback;
  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    store = new MemoryRecordingStore();
    clock = new ManualClock();
    const unpackedDirectory = fixture("recording");
    const cacheDirectory = join(folder, "cache");
    playback = createPlayback({ store, cacheDirectory, unpackedDirectory, clock, log: silentLogger });
  });
  afterEach(() => remove());

  const upload = async (sid: string): Promise<void> => {
    await store.upload(sid, (await openArchive(folder, sid)).stream());
  };

  it("reads 4.2's archive: its lines with ids, and its output", async () => {
    store.archives.set(SAMPLE, await readFile(fixture("recording", "session-recording.tar")));
    const events = await playback.events(SAMPLE);
    const expected = eventLines(fixture("recording"), SAMPLE).map((line, id) => ({ ...line, id }));
    assert.deepEqual(events, expected);
    assert.deepEqual(await playback.events(SAMPLE, 14), expected.slice(14));
    const output = await playback.chunk(SAMPLE, 0, MAX_CHUNK_BYTES);
    assert.ok(outputOf(fixture("recording"), SAMPLE).equals(output));
  });

  it("reads what 4.2 left unpacked where the store has nothing", async () => {
    assert.equal((await playback.events(SAMPLE)).length, 16);
    assert.equal((await playback.chunk(SAMPLE, 0, 10)).length, 10);
  });

  it("knows what there is without reading it", async () => {
    assert.equal(await playback.exists(SAMPLE), true, "unpacked by 4.2");
    const sid = await recordShort(folder);
    assert.equal(await playback.exists(sid), false);
    await upload(sid);
    assert.equal(await playback.exists(sid), true);
    await assert.rejects(playback.exists("../../etc"), { code: "bad_parameter" });
  });

  it("serves any range, at most 5 MiB, and nothing past the end", async () => {
    const recorder = await recorderIn(folder);
    const output = randomBytes(6 * 1024 * 1024);
    await recorder.print(output);
    await recorder.close();
    const sid = recorder.sessionId;
    await upload(sid);
    assert.ok(output.subarray(0, MAX_CHUNK_BYTES).equals(await playback.chunk(sid, 0, 1e9)));
    assert.ok(output.subarray(1000, 1100).equals(await playback.chunk(sid, 1000, 100)));
    assert.ok(output.subarray(-5).equals(await playback.chunk(sid, output.length - 5, 100)));
    assert.equal((await playback.chunk(sid, output.length, 100)).length, 0);
    assert.equal((await playback.chunk(sid, output.length + 10_000, 100)).length, 0);
    for (const offset of [-1, 1.5, NaN]) {
      await assert.rejects(playback.chunk(sid, offset, 10), (error) => hasCode(error, "bad_parameter"));
    }
  });

  it("plays sessions without output", async () => {
    const recorder = await recorderIn(folder);
    await recorder.event({ event: "session.start", code: "T2000I" });
    await recorder.close();
    await upload(recorder.sessionId);
    assert.equal((await playback.events(recorder.sessionId)).length, 1);
    assert.equal((await playback.chunk(recorder.sessionId, 0, 10)).length, 0);
  });

  it("knows who took part, without reading the recording again", async () => {
    const recorder = await recorderIn(folder);
    const sid = recorder.sessionId;
    await recorder.event({ event: "session.start", code: "T2000I", user: "alice" });
    await recorder.event({ event: "session.join", code: "T2001I", user: "bob" });
    await recorder.event({ event: "session.join", code: "T2001I", user: "alice" });
    await recorder.event({ event: "session.leave", code: "T2003I", user: "session.join" });
    await recorder.print(Buffer.from("session.start"));
    await recorder.close();
    await upload(sid);
    assert.deepEqual(await playback.participants(sid), ["alice", "bob"]);
    await writeFile(join(folder, "cache", sid, "events.jsonl"), "damaged");
    assert.deepEqual(await playback.participants(sid), ["alice", "bob"]);
  });

  it("makes copies of an older version anew", async () => {
    const sid = await recordShort(folder);
    await upload(sid);
    await playback.events(sid);
    await rm(join(folder, "cache", sid, "participants.json"));
    assert.deepEqual(await playback.participants(sid), ["alice"]);
    assert.equal(store.downloads, 2);
  });

  it("fetches once for many readers", async () => {
    const sid = await recordShort(folder);
    await upload(sid);
    await Promise.all(Array.from({ length: 20 }, () => playback.events(sid)));
    await playback.chunk(sid, 0, 10);
    assert.equal(store.downloads, 1);
  });

  it("removes copies that nobody read for three hours", async () => {
    const [old, used] = [await recordShort(folder), await recordShort(folder)];
    await upload(old);
    await upload(used);
    await playback.events(old);
    await playback.events(used);
    await clock.advance(2 * 3600_000);
    await playback.events(used);
    await clock.advance(1.5 * 3600_000);
    await playback.purge();
    assert.deepEqual(await readdir(join(folder, "cache")), [used]);
    assert.equal((await playback.events(old)).length, 3);
  });

  it("forgets a copy when another archive is stored", async () => {
    const sid = await recordShort(folder);
    await upload(sid);
    await playback.events(sid);
    const again = join(folder, "again");
    await recordShort(again, sid, "other output");
    await store.upload(sid, (await openArchive(again, sid)).stream());
    await playback.forget(sid);
    assert.equal(Buffer.from(await playback.chunk(sid, 0, 100)).toString(), "other output");
  });

  it("tells an absent recording from one that cannot be fetched", async () => {
    await assert.rejects(playback.events(randomUUID()), (error) => hasCode(error, "not_found"));
    store.download = () => {
      throw unavailable("the store is down");
    };
    await assert.rejects(playback.events(randomUUID()), (error) => hasCode(error, "unavailable"));
    for (const id of ["../..", "", "0"]) {
      await assert.rejects(playback.events(id), (error) => hasCode(error, "bad_parameter"));
    }
  });

  it("leaves nothing behind when an archive is damaged, and does not serve half of it", async () => {
    const sid = await recordShort(folder);
    await upload(sid);
    const whole = store.archives.get(sid) ?? assert.fail();
    store.archives.set(sid, whole.subarray(0, 1500));
    await assert.rejects(playback.events(sid), (error) => hasCode(error, "corrupt"));
    assert.deepEqual(await readdir(join(folder, "cache")), []);
    store.archives.set(sid, whole);
    assert.equal((await playback.events(sid)).length, 3);
    assert.equal(gunzipSync(await readFile(join(folder, `${sid}-0.chunks.gz`))).toString(), "hello");
  });
});
