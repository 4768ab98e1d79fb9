import assert from "node:assert/strict";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import Database from "better-sqlite3";
import { Reader } from "../../../plugins/backend-dir/reader.js";
import { prepareSchema } from "../../../plugins/backend-dir/schema.js";
import { scratchDirectory } from "./scratch.js";
import { openStock } from "./stock-database.js";

describe("plugins/backend-dir/reader", () => {
  let file: string;
  let remove: () => Promise<void>;
  let db: Database.Database;
  beforeEach(async () => {
    const scratch = await scratchDirectory();
    remove = scratch.remove;
    file = join(scratch.directory, "sqlite.db");
    openStock(scratch.directory).close();
    db = new Database(file);
    prepareSchema(db);
  });
  afterEach(async () => {
    db.close();
    await remove();
  });

  it("waits for a locked file without holding up the event loop", async () => {
    db.exec("INSERT INTO kv (key, modified, value) VALUES ('/a', 1, 'x')");
    db.pragma("journal_mode = DELETE");
    const reader = new Reader(file, 10_000);
    db.exec("BEGIN EXCLUSIVE");
    let answered = false;
    const read = reader.get("/a", Date.now()).finally(() => (answered = true));
    for (let turns = 0; turns < 100; turns++) {
      await turn();
    }
    assert.equal(answered, false);
    db.exec("COMMIT");
    assert.equal((await read).key, "/a");
    reader.close();
  });

  it("gives up on a locked file as unavailable, never as not_found", async () => {
    db.pragma("journal_mode = DELETE");
    const reader = new Reader(file, 20);
    db.exec("BEGIN EXCLUSIVE");
    await assert.rejects(reader.get("/a", Date.now()), { code: "unavailable", message: /locked/ });
    db.exec("COMMIT");
    reader.close();
  });

  it("bounds a page in rows and in bytes", async () => {
    const insert = db.prepare("INSERT INTO kv (key, modified, value) VALUES (?, 1, ?)");
    db.transaction(() => {
      for (let n = 1000; n < 2000; n++) insert.run(`/small/${n}`, "x");
      for (let n = 10; n < 40; n++) insert.run(`/large/${n}`, Buffer.alloc(100_000));
    })();
    const reader = new Reader(file, 1000);
    const small = await reader.page({ start: "/small/", end: "/small0" }, Date.now());
    assert.ok(small.length >= 1 && small.length <= 500);
    const large = await reader.page({ start: "/large/", end: "/large0" }, Date.now());
    assert.ok(large.length >= 1 && large.length <= 6, String(large.length));
    const next = await reader.page({ start: "/large/", end: "/large0" }, Date.now(), large.at(-1)?.key);
    assert.equal(next[0]?.key, `/large/${10 + large.length}`);
    reader.close();
  });

  it("an expiry that cannot be read is corrupt and names the key", async () => {
    db.exec("INSERT INTO kv (key, modified, value, expires) VALUES ('/odd', 1, 'x', 'tomorrow')");
    const reader = new Reader(file, 1000);
    await assert.rejects(reader.get("/odd", Date.now()), { code: "corrupt", message: /\/odd/ });
    reader.close();
  });
});
