import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../../core/errors/error.js";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { fixture, temporaryFolder } from "../../kit/paths.js";
import { eventLines, outputOf, recorderIn, recordShort, SERVER_ID } from "./recorded.js";

const SAMPLE = "0c490820-9ee2-4bcc-83c4-e4e4f4a52d25";

describe("the recorder", () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  it("leaves exactly 4.2's files, 0640, marked completed", async () => {
    const sid = await recordShort(folder);
    const names = [`${sid}-0.chunks.gz`, `${sid}-0.events.gz`, `${sid}.completed`, `${sid}.index`];
    assert.deepEqual((await readdir(folder)).sort(), names);
    for (const name of names) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
    assert.equal(await readFile(join(folder, `${sid}.completed`), "utf8"), "completed");
  });

  it("writes the index and print lines field by field as 4.2 does", async () => {
    const sid = await recordShort(folder);
    const sampleIndex = await readFile(fixture("recording", `${SAMPLE}.index`), "utf8");
    assert.equal(await readFile(join(folder, `${sid}.index`), "utf8"), sampleIndex.replaceAll(SAMPLE, sid));
    const samplePrint = eventLines(fixture("recording"), SAMPLE).find(({ event }) => event === "print");
    const ownPrint = eventLines(folder, sid).find(({ event }) => event === "print");
    assert.deepEqual(Object.keys(ownPrint ?? {}), Object.keys(samplePrint ?? {}));
    assert.deepEqual(
      { ...ownPrint, time: "" },
      { time: "", event: "print", bytes: 5, ms: 0, offset: 0, ei: 1, ci: 0 },
    );
  });

  it("completes events with session, server, time, uid and the next index, and returns them", async () => {
    const clock = new ManualClock(new Date("2026-03-01T12:00:00Z"));
    const recorder = await recorderIn(folder, randomUUID(), clock);
    const start = await recorder.event({ event: "session.start", code: "T2000I", user: "alice" });
    await recorder.print(Buffer.from("x"));
    const end = await recorder.event({
      event: "session.end",
      code: "T2004I",
      user: "alice",
      server_id: "forged",
    });
    await recorder.close();
    assert.deepEqual(
      { ...start, uid: "" },
      {
        event: "session.start",
        code: "T2000I",
        user: "alice",
        sid: recorder.sessionId,
        namespace: "default",
        server_id: SERVER_ID,
        time: "2026-03-01T12:00:00.000Z",
        uid: "",
        ei: 0,
      },
    );
    assert.equal(end.ei, 2);
    assert.equal(end.server_id, SERVER_ID);
    const lines = eventLines(folder, recorder.sessionId);
    assert.deepEqual([lines[0], lines[2]], [start, end]);
  });

  it("counts offsets, chunks and milliseconds since the first print", async () => {
    const clock = new ManualClock();
    const recorder = await recorderIn(folder, randomUUID(), clock);
    await clock.advance(500);
    await recorder.print(Buffer.from("abc"));
    await clock.advance(250);
    await recorder.print(Buffer.from("de"));
    await clock.advance(-100);
    await recorder.print(Buffer.from("f"));
    await recorder.close();
    const prints = eventLines(folder, recorder.sessionId).map(({ bytes, ms, offset, ei, ci }) => [
      bytes,
      ms,
      offset,
      ei,
      ci,
    ]);
    assert.deepEqual(prints, [
      [3, 0, 0, 0, 0],
      [2, 250, 3, 1, 1],
      [1, 250, 5, 2, 2],
    ]);
    assert.equal(outputOf(folder, recorder.sessionId).toString(), "abcdef");
  });

  it("records megabytes of binary output unchanged and splits what is too long for one print", async () => {
    const recorder = await recorderIn(folder);
    const output = randomBytes(3_000_000);
    await recorder.print(output);
    await recorder.close();
    assert.ok(outputOf(folder, recorder.sessionId).equals(output));
    const lines = eventLines(folder, recorder.sessionId);
    assert.ok(lines.length > 2);
    assert.equal(
      lines.reduce((sum, { bytes }) => sum + Number(bytes), 0),
      output.length,
    );
  });

  it("keeps the order of prints that are not awaited one by one", async () => {
    const recorder = await recorderIn(folder);
    const parts = Array.from({ length: 500 }, (_, i) => `${i};`);
    await Promise.all(parts.map((part) => recorder.print(Buffer.from(part))));
    await recorder.close();
    assert.equal(outputOf(folder, recorder.sessionId).toString(), parts.join(""));
  });

  it("has no chunks file for a session without output", async () => {
    const recorder = await recorderIn(folder);
    await recorder.event({ event: "session.start", code: "T2000I" });
    await recorder.close();
    assert.ok(!(await readdir(folder)).some((name) => name.endsWith(".chunks.gz")));
    assert.equal((await readFile(join(folder, `${recorder.sessionId}.index`), "utf8")).split("\n").length, 2);
  });

  it("refuses ids that are no UUID and sessions that are being recorded", async () => {
    await assert.rejects(recorderIn(folder, "../../escape"), (error) => hasCode(error, "bad_parameter"));
    const recorder = await recorderIn(folder);
    await assert.rejects(recorderIn(folder, recorder.sessionId), (error) => hasCode(error, "access_denied"));
    await recorder.close();
  });

  it("refuses sessions whose recording waits for its upload, and leaves that alone", async () => {
    const sid = await recordShort(folder);
    const before = (await readdir(folder)).sort();
    await assert.rejects(recorderIn(folder, sid), { code: "access_denied", message: /on record already/ });
    assert.deepEqual((await readdir(folder)).sort(), before);
  });

  it("leaves nothing of a session that never began", async () => {
    const recorder = await recorderIn(folder);
    await recorder.event({ event: "session.start", code: "T2000I" });
    await recorder.discard();
    await recorder.close();
    assert.deepEqual(await readdir(folder), []);
  });

  it("takes nothing after close, which may be repeated", async () => {
    const recorder = await recorderIn(folder);
    await recorder.close();
    await recorder.close();
    await assert.rejects(recorder.print(Buffer.from("x")), (error) => hasCode(error, "unavailable"));
    await assert.rejects(recorder.event({ event: "resize", code: "T2002I" }), (error) =>
      hasCode(error, "unavailable"),
    );
  });

  it("rejects close where the files cannot be written, and frees the journal for recovery", async () => {
    const recorder = await recorderIn(folder);
    await recorder.print(Buffer.from("kept"));
    const obstacle = join(folder, `${recorder.sessionId}-0.events.gz`);
    await mkdir(obstacle);
    await assert.rejects(recorder.close(), (error: Error) => {
      assert.ok(hasCode(error, "unavailable"));
      assert.match(error.message, /cannot finish the recording .*\.journal/);
      return true;
    });
    assert.ok((await readdir(folder)).includes(`${recorder.sessionId}.unfinished`));
    await rm(obstacle, { recursive: true });
  });
});
