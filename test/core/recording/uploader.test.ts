import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { unavailable } from "../../../core/errors/error.js";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import type { RecordingArchive } from "../../../core/recording/archive.js";
import { createUploader, type Uploader, type UploadFunction } from "../../../core/recording/uploader.js";
import { temporaryFolder } from "../../kit/paths.js";
import { collect, recordShort, recorderIn } from "./recorded.js";

describe("the uploader", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let clock: ManualClock;
  let uploader: Uploader | undefined;
  beforeEach(async () => {
    clock = new ManualClock();
    ({ folder, remove } = await temporaryFolder());
  });
  afterEach(async () => {
    await uploader?.close();
    await remove();
  });

  const start = (upload: UploadFunction): Uploader => {
    uploader = createUploader({ directory: folder, upload, clock, log: silentLogger });
    return uploader;
  };
  const digest = async (archive: RecordingArchive): Promise<string> =>
    createHash("sha256")
      .update(await collect(archive.stream()))
      .digest("hex");

  it("sends what is finished and removes it afterwards", async () => {
    const sids = [await recordShort(folder), await recordShort(folder)];
    const sent: string[] = [];
    await start(async (sid, archive) => {
      assert.equal((await collect(archive.stream())).length, archive.sizeBytes);
      sent.push(sid);
    }).scan();
    assert.deepEqual(sent.sort(), sids.sort());
    assert.deepEqual(await readdir(folder), []);
  });

  it("leaves recordings under way alone", async () => {
    const recorder = await recorderIn(folder);
    await recorder.print(Buffer.from("x"));
    await start(() => assert.fail("nothing is finished")).scan();
    assert.deepEqual(await readdir(folder), [`${recorder.sessionId}.journal`]);
    await recorder.close();
  });

  it("keeps a recording that could not be sent and tries again later, less and less often", async () => {
    await recordShort(folder);
    const files = (await readdir(folder)).sort();
    let attempts = 0;
    const failing = start(() => {
      attempts++;
      return Promise.reject(unavailable("auth is down"));
    });
    await failing.scan();
    assert.equal(attempts, 1);
    assert.deepEqual((await readdir(folder)).sort(), files);
    await failing.scan();
    assert.equal(attempts, 1, "not at once again");
    for (let i = 0; i < 360; i++) {
      await clock.advance(10_000);
      await failing.scan();
    }
    assert.ok(attempts > 8 && attempts < 60, `${attempts} attempts in an hour`);
    assert.deepEqual((await readdir(folder)).sort(), files);
  });

  it("keeps a recording whose stored digest differs", async () => {
    const sid = await recordShort(folder);
    let answer = "0".repeat(64);
    const checking = start(async (_sid, archive) => {
      const sha256 = await digest(archive);
      return { sha256: answer === "" ? sha256 : answer };
    });
    await checking.scan();
    assert.ok((await readdir(folder)).includes(`${sid}.completed`));
    answer = "";
    await clock.advance(60_000);
    await checking.scan();
    assert.deepEqual(await readdir(folder), []);
  });

  it("keeps a recording that the other side did not read to its end", async () => {
    const sid = await recordShort(folder);
    await start(async () => undefined).scan();
    assert.ok((await readdir(folder)).includes(`${sid}.completed`));
  });

  it("sends at most ten at once", async () => {
    for (let i = 0; i < 25; i++) await recordShort(folder);
    let atOnce = 0;
    let most = 0;
    await start(async (_sid, archive) => {
      most = Math.max(most, ++atOnce);
      await collect(archive.stream());
      await new Promise(setImmediate);
      atOnce--;
    }).scan();
    assert.ok(most > 1 && most <= 10, `${most} at once`);
    assert.deepEqual(await readdir(folder), []);
  });

  it("finishes a removal that was interrupted, without sending again", async () => {
    const sid = await recordShort(folder);
    await rm(join(folder, `${sid}.index`));
    await start(() => assert.fail("it was sent before")).scan();
    assert.deepEqual(await readdir(folder), []);
  });

  it("leaves to another process what that is sending, and takes over when it dies", async () => {
    const sid = await recordShort(folder);
    const holder = spawn("sleep", ["60"]);
    const sent: string[] = [];
    const upload: UploadFunction = async (sessionId, archive) => {
      await collect(archive.stream());
      sent.push(sessionId);
    };
    try {
      await writeFile(join(folder, `${sid}.uploading`), JSON.stringify({ pid: holder.pid }));
      const second = start(upload);
      await second.scan();
      assert.deepEqual(sent, []);
      holder.kill();
      await once(holder, "exit");
      await second.scan();
      assert.deepEqual(sent, [sid]);
      assert.deepEqual(await readdir(folder), []);
    } finally {
      holder.kill();
    }
  });

  it("scans by itself, and no more after close", async () => {
    const sent = new Set<string>();
    let wake: () => void = () => undefined;
    const running = start(async (sid, archive) => {
      await collect(archive.stream());
      sent.add(sid);
      wake();
    });
    await running.scan();
    const sid = await recordShort(folder);
    const sending = new Promise<void>((resolve) => (wake = resolve));
    await clock.advance(5_000);
    await sending;
    assert.ok(sent.has(sid));
    await running.close();
    const late = await recordShort(folder);
    await clock.advance(60_000);
    assert.ok(!sent.has(late) && (await readdir(folder)).includes(`${late}.completed`));
  });

  it("waits where there is no directory yet", async () => {
    await rm(folder, { recursive: true });
    await start(() => assert.fail()).scan();
  });
});
