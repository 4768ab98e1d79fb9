import assert from "node:assert/strict";
import { join } from "node:path";
import type { Storage, StorageEvent } from "@teleport/plugin";
import Database from "better-sqlite3";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { openDirStorage } from "../../../plugins/backend-dir/index.js";
import { scratchDirectory } from "./scratch.js";

const HISTORY_MS = 10 * 60_000;
const item = (n: number) => ({ key: "/a", value: Buffer.from(String(n)) });

describe("plugins/backend-dir: the journal of changes", () => {
  let directory: string;
  let remove: () => Promise<void>;
  let clock: ManualClock;
  let storage: Storage;
  beforeEach(async () => {
    ({ directory, remove } = await scratchDirectory());
    clock = new ManualClock();
    storage = await openDirStorage({ directory, clock, bufferSize: 4 });
  });
  afterEach(async () => {
    await storage.close();
    await remove();
  });

  it("a watch that falls behind the buffer in memory reads on in the file", async () => {
    const events = storage.watch(["/a"])[Symbol.asyncIterator]();
    const { cursor } = await next(events);
    for (let n = 0; n < 50; n++) {
      await storage.put(item(n));
    }
    const other = storage.watch(["/a"], { cursor })[Symbol.asyncIterator]();
    await next(other);
    for (const watch of [events, other]) {
      for (let n = 0; n < 50; n++) {
        const event = await next(watch);
        assert.equal(event.type === "put" && Buffer.from(event.item.value).toString(), String(n));
      }
    }
  });

  it("forgets changes after ten minutes; a cursor from before then gets a reset, a younger one does not", async () => {
    const old = await initCursor(storage);
    await storage.put(item(1));
    await clock.advance(HISTORY_MS - 30_000);
    const young = await initCursor(storage);
    await storage.put(item(2));
    await clock.advance(90_000);
    await purged(directory);
    assert.deepEqual(await types(storage, old, 2), ["init", "reset"]);
    assert.deepEqual(await types(storage, young, 2), ["init", "put"]);
  });

  it("numbers do not restart when everything has been forgotten and all processes have ended", async () => {
    const cursor = await initCursor(storage);
    const before = await storage.put(item(1));
    await clock.advance(HISTORY_MS + 60_000);
    await purged(directory);
    await storage.close();
    storage = await openDirStorage({ directory, clock });
    const after = await storage.put(item(2));
    assert.ok(parseInt(after) > parseInt(before));
    assert.deepEqual(await types(storage, cursor, 2), ["init", "reset"]);
  });

  it("a watch goes on over a restart of the process without loss", async () => {
    const cursor = await initCursor(storage);
    await storage.put(item(1));
    await storage.close();
    storage = await openDirStorage({ directory, clock });
    await storage.delete("/a");
    assert.deepEqual(await types(storage, cursor, 3), ["init", "put", "delete"]);
  });
});

async function next(events: AsyncIterator<StorageEvent>): Promise<StorageEvent> {
  const result = await events.next();
  assert.ok(!result.done);
  return result.value;
}

async function initCursor(storage: Storage): Promise<string> {
  return (await next(storage.watch(["/"])[Symbol.asyncIterator]())).cursor;
}

async function types(storage: Storage, cursor: string, count: number): Promise<string[]> {
  const events = storage.watch(["/"], { cursor })[Symbol.asyncIterator]();
  const seen: string[] = [];
  while (seen.length < count) {
    seen.push((await next(events)).type);
  }
  return seen;
}

/** Resolves when the purge that the clock has set off has reached the file. */
async function purged(directory: string): Promise<void> {
  const db = new Database(join(directory, "sqlite.db"), { readonly: true });
  try {
    const first = db.prepare("SELECT count(*) FROM events WHERE kv_value = CAST('1' AS BLOB)").pluck();
    while (first.get() !== 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    db.close();
  }
}
