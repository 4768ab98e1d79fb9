/** The writer thread: the one place that writes to the database, so that an fsync never holds up the event loop. */
import { utimesSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";
import { BatchWriter } from "./batch-writer.js";
import { packFailure, storageFailure } from "./failure.js";
import { prepareSchema } from "./schema.js";
import type { FromWriter, ToWriter, WriterOptions } from "./write-request.js";

const options = workerData as WriterOptions;
const port = parentPort;
if (!port) {
  throw new Error("writer-worker.js runs as a worker thread only");
}
const reply = (message: FromWriter): void => port.postMessage(message);

let db: Database.Database | undefined;
try {
  db = new Database(options.file, { fileMustExist: true, timeout: options.busyTimeoutMs });
  prepareSchema(db);
  db.pragma(`synchronous = ${options.sync}`);
  serve(db);
  reply({ type: "ready" });
} catch (error) {
  db?.close();
  reply({ type: "failed", failure: packFailure(storageFailure(error, options.file)) });
  port.close();
}

/**
 * Touches the write-ahead log, which wakes other processes (wake-ups.ts). The write to it wakes them as well, but before
 * the fsync: too early to see the commit.
 */
function announce(): void {
  if (options.events) {
    const now = new Date();
    try {
      utimesSync(`${options.file}-wal`, now, now);
    } catch {
      // Only a hint: whoever misses it polls.
    }
  }
}

function serve(database: Database.Database): void {
  const writer = new BatchWriter(database, options.file, options.events);
  port?.on("message", (message: ToWriter) => {
    if (message.type === "batch") {
      const results = writer.run(message.requests);
      announce();
      reply({ type: "done", results });
      return;
    }
    // The last connection to close also folds the write-ahead log into the file and removes it.
    database.close();
    port.close();
  });
}
