import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { silentLogger } from "../../../core/plugin/logger.js";
import { encodeFrame, FrameType } from "../../../core/recording/journal-frame.js";
import type { Recorder } from "../../../core/recording/recorder.js";
import { recoverRecordings } from "../../../core/recording/recovery.js";
import { temporaryFolder } from "../../kit/paths.js";
import { eventLines, outputOf, recorderIn, SERVER_ID } from "./recorded.js";

const recover = (folder: string) => recoverRecordings(folder, { log: silentLogger });

describe("recovery of recordings", () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  /** Takes the journal from its recorder, as if that had failed. */
  const leave = async (recorder: Recorder): Promise<string> => {
    const sid = recorder.sessionId;
    await rename(join(folder, `${sid}.journal`), join(folder, `${sid}.unfinished`));
    await assert.rejects(recorder.close());
    return sid;
  };

  /** A recording without an end, whose recorder is gone. */
  const abandon = async (): Promise<string> => {
    const recorder = await recorderIn(folder);
    await recorder.event({
      event: "session.start",
      code: "T2000I",
      user: "alice",
      login: "root",
      size: "80:25",
    });
    await recorder.event({ event: "session.join", code: "T2001I", user: "bob", login: "root" });
    await recorder.print(Buffer.from("some output"));
    return leave(recorder);
  };

  it("finishes what a process recorded before SIGKILL, and loses no print it was promised", async function () {
    this.timeout(20_000);
    for (const killAfter of [1, 57, 400]) {
      const sid = randomUUID();
      const script = fileURLToPath(new URL("./crash-writer.js", import.meta.url));
      const child = spawn(process.execPath, [script, folder, sid], { stdio: ["ignore", "pipe", "inherit"] });
      let promised = -1;
      for await (const line of createInterface({ input: child.stdout })) {
        promised = Number(line);
        if (promised === killAfter) child.kill("SIGKILL");
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      assert.ok(promised >= killAfter);
      const recovered = await recover(folder);
      assert.deepEqual(
        recovered.map(({ sessionId }) => sessionId),
        [sid],
      );
      const output = outputOf(folder, sid).toString();
      for (let i = 0; i <= promised; i++)
        assert.ok(output.includes(`line ${i} ${"x".repeat(i % 2000)}\n`), `line ${i}`);
      const lines = eventLines(folder, sid);
      assert.deepEqual(lines.at(-1), recovered[0]?.end);
      assert.deepEqual(
        lines.map(({ ei }) => ei),
        lines.map((_, i) => i),
      );
    }
  });

  it("adds an end that says it was interrupted, in the words of 4.2", async () => {
    const sid = await abandon();
    const [recovered] = await recover(folder);
    const { uid, time, ...end } = recovered?.end ?? assert.fail("no end");
    assert.ok(typeof uid === "string" && !Number.isNaN(Date.parse(time)));
    assert.deepEqual(end, {
      event: "session.end",
      code: "T2004I",
      sid,
      namespace: "default",
      server_id: SERVER_ID,
      ei: 3,
      interactive: true,
      enhanced_recording: false,
      participants: ["alice", "bob"],
      user: "alice",
      interrupted: true,
    });
    assert.deepEqual((await readdir(folder)).sort(), [
      `${sid}-0.chunks.gz`,
      `${sid}-0.events.gz`,
      `${sid}.completed`,
      `${sid}.index`,
    ]);
  });

  it("adds no end to a session that had one", async () => {
    const recorder = await recorderIn(folder);
    await recorder.event({ event: "session.start", code: "T2000I" });
    await recorder.event({ event: "session.end", code: "T2004I" });
    const sid = await leave(recorder);
    assert.deepEqual(await recover(folder), [{ sessionId: sid, end: undefined }]);
    assert.deepEqual(
      eventLines(folder, sid).map(({ event }) => event),
      ["session.start", "session.end"],
    );
  });

  it("leaves the recordings of running processes alone", async () => {
    const recorder = await recorderIn(folder);
    await recorder.print(Buffer.from("going on"));
    assert.deepEqual(await recover(folder), []);
    await recorder.print(Buffer.from(" still"));
    await recorder.close();
    assert.equal(outputOf(folder, recorder.sessionId).toString(), "going on still");
  });

  it("knows a reused pid from the process that had it", async () => {
    const sid = randomUUID();
    const header = {
      version: 1,
      sid,
      namespace: "default",
      server_id: SERVER_ID,
      writer: { pid: process.pid, startTicks: "1", bootId: undefined },
    };
    const event = { event: "session.start", code: "T2000I", time: "2026-03-01T00:00:00Z", ei: 0 };
    const frames = [
      ...encodeFrame({ type: FrameType.header, payload: Buffer.from(JSON.stringify(header)) }),
      ...encodeFrame({ type: FrameType.event, payload: Buffer.from(JSON.stringify(event)) }),
    ];
    await writeFile(join(folder, `${sid}.journal`), Buffer.concat(frames));
    assert.equal((await recover(folder)).length, 1);
  });

  it("can be killed at any point itself and be repeated", async () => {
    const sid = await abandon();
    const journal = await readFile(join(folder, `${sid}.unfinished`));
    await recover(folder);
    const finished = await readdir(folder);
    const states: string[][] = [
      [],
      [`${sid}-0.events.gz`],
      [`${sid}-0.events.gz`, `${sid}-0.chunks.gz`],
      [`${sid}-0.events.gz`, `${sid}-0.chunks.gz`, `${sid}.index`],
      [`${sid}-0.events.gz`, `${sid}-0.chunks.gz`, `${sid}.index`, `${sid}.completed`],
    ];
    for (const present of states) {
      const again = await mkdtemp(join(folder, "again-"));
      for (const name of present) await copyFile(join(folder, name), join(again, name));
      await writeFile(join(again, `${sid}.unfinished`), journal);
      await writeFile(join(again, `${sid}.index.0123456789ab.partial`), "half");
      await recover(again);
      assert.deepEqual((await readdir(again)).sort(), finished.sort(), `after ${present.length} files`);
      assert.equal(outputOf(again, sid).toString(), "some output");
      assert.equal(eventLines(again, sid).at(-1)?.["event"], "session.end");
      await rm(again, { recursive: true });
    }
  });

  it("drops a recording that has nothing but its header", async () => {
    await leave(await recorderIn(folder));
    assert.deepEqual(await recover(folder), []);
    assert.deepEqual(await readdir(folder), []);
  });

  it("keeps and reports a journal without a readable header, and goes on with the others", async () => {
    const good = await abandon();
    const bad = await abandon();
    await truncate(join(folder, `${bad}.unfinished`), 12);
    const errors: string[] = [];
    const log = { ...silentLogger, error: (message: string) => errors.push(message) };
    const recovered = await recoverRecordings(folder, { log });
    assert.deepEqual(
      recovered.map(({ sessionId }) => sessionId),
      [good],
    );
    assert.equal(errors.length, 1);
    assert.ok((await readdir(folder)).includes(`${bad}.unfinished`));
  });

  it("finds nothing to do where there is no directory", async () => {
    assert.deepEqual(await recover(join(folder, "none")), []);
  });
});
