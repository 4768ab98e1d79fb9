import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { silentLogger } from "@teleport/plugin";
import { prepareDatabaseFile } from "../../../plugins/backend-dir/database-file.js";
import type { FromWriter, WriteRequest, WriterOptions } from "../../../plugins/backend-dir/write-request.js";
import { Writer } from "../../../plugins/backend-dir/writer.js";
import { scratchDirectory } from "./scratch.js";
import { openStock } from "./stock-database.js";

const put = (key: string): WriteRequest => ({ verb: "put", key, value: Uint8Array.of(1), nowMs: Date.now() });

describe("plugins/backend-dir/writer", () => {
  let directory: string;
  let remove: () => Promise<void>;
  let workers: Worker[];
  let batches: number;
  const writer = async (busyTimeoutMs = 5000): Promise<Writer> => {
    const file = await prepareDatabaseFile(directory, silentLogger);
    const spawn = (options: WriterOptions): Worker => {
      const url = new URL("../../../plugins/backend-dir/writer-worker.js", import.meta.url);
      const worker = new Worker(url, { workerData: options });
      worker.on("message", (message: FromWriter) => (batches += message.type === "done" ? 1 : 0));
      workers.push(worker);
      return worker;
    };
    return new Writer(
      { file, sync: "FULL", busyTimeoutMs, events: true },
      () => undefined,
      silentLogger,
      spawn,
    );
  };
  beforeEach(async () => {
    ({ directory, remove } = await scratchDirectory());
    workers = [];
    batches = 0;
  });
  afterEach(() => remove());

  it("lets writes that come together share transactions", async () => {
    const subject = await writer();
    await subject.open();
    await Promise.all(Array.from({ length: 1000 }, (_, n) => subject.submit(put(`/${n}`))));
    assert.ok(batches <= 10, `${batches} transactions for 1,000 writes`);
    await subject.close();
  });

  it("fails every pending write as unavailable when the thread dies, and goes on with a new one", async () => {
    const subject = await writer();
    await subject.open();
    await subject.submit(put("/before"));
    const pending = Promise.allSettled(Array.from({ length: 600 }, (_, n) => subject.submit(put(`/${n}`))));
    await workers[0]?.terminate();
    const failures = (await pending).flatMap((outcome) =>
      outcome.status === "rejected" ? [(outcome.reason as { code?: string }).code] : [],
    );
    assert.ok(failures.length > 0);
    assert.deepEqual([...new Set(failures)], ["unavailable"]);
    await subject.submit(put("/after"));
    assert.equal(workers.length, 2);
    await subject.close();
  });

  it("says why the database cannot be opened, every time", async () => {
    const subject = await writer(50);
    const stock = openStock(directory);
    stock.exec("BEGIN EXCLUSIVE");
    const locked = { code: "unavailable", message: /sqlite\.db is locked by another process/ };
    await assert.rejects(subject.open(), locked);
    await assert.rejects(subject.submit(put("/a")), locked);
    stock.exec("ROLLBACK");
    stock.close();
    await subject.submit(put("/a"));
    await subject.close();
  });

  it("a write that waits too long for another process is unavailable and may be tried again", async () => {
    const subject = await writer(50);
    await subject.open();
    const other = new (await import("better-sqlite3")).default(`${directory}/sqlite.db`);
    other.exec("BEGIN IMMEDIATE");
    await assert.rejects(subject.submit(put("/a")), {
      code: "unavailable",
      message: /locked by another process/,
    });
    other.exec("COMMIT");
    other.close();
    await subject.submit(put("/a"));
    await subject.close();
  });

  it("finishes what it has accepted before it closes, and then takes nothing", async () => {
    const subject = await writer();
    await subject.open();
    const writes = Promise.all(Array.from({ length: 600 }, (_, n) => subject.submit(put(`/${n}`))));
    const worker = workers[0];
    assert.ok(worker);
    const exited = once(worker, "exit");
    await subject.close();
    assert.equal((await writes).length, 600);
    await exited;
    await assert.rejects(subject.submit(put("/a")), { code: "unavailable" });
  });
});
