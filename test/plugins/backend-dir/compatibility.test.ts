import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import type { StorageEvent } from "@teleport/plugin";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { openDirStorage } from "../../../plugins/backend-dir/index.js";
import { scratchDirectory } from "./scratch.js";
import { openStock, putStock } from "./stock-database.js";

const text = (value: Uint8Array): string => Buffer.from(value).toString();

describe("plugins/backend-dir: a store shared with 4.2", () => {
  let directory: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ directory, remove } = await scratchDirectory()));
  afterEach(() => remove());

  it("opens a store of 4.2 in place", async () => {
    const stock = openStock(directory);
    putStock(stock, "/roles/admin/params", "{}", "2099-01-01 00:00:00.731753676+00:00");
    putStock(stock, "/tokens/old", "{}", "2020-01-01 00:00:00+00:00");
    stock.exec("INSERT INTO kv (key, modified, value) VALUES ('/text', 1, 'as text'), ('/null', 1, NULL)");
    stock.close();
    const storage = await openDirStorage({ directory });
    const role = await storage.get("/roles/admin/params");
    assert.equal(role.expires?.toISOString(), "2099-01-01T00:00:00.731Z");
    await assert.rejects(storage.get("/tokens/old"), { code: "not_found" });
    assert.equal(text((await storage.get("/text")).value), "as text");
    assert.equal((await storage.get("/null")).value.length, 0);
    await storage.update({ key: role.key, value: Buffer.from("{1}") }, role.revision);
    await storage.close();
  });

  it("writes rows of the types and formats that 4.2 needs", async () => {
    const clock = new ManualClock(new Date("2026-11-22T11:12:35.700Z"));
    const storage = await openDirStorage({ directory, clock });
    await storage.put({
      key: "/a",
      value: Buffer.from("one"),
      expires: new Date("2026-11-22T11:22:35.250Z"),
    });
    await storage.put({ key: "/b", value: Buffer.from("two") });
    await storage.delete("/b");
    await storage.close();
    assert.deepEqual(await readdir(directory), ["sqlite.db"]);
    const stock = openStock(directory);
    const row = stock
      .prepare(
        `SELECT typeof(key) AS k, typeof(modified) AS m, typeof(value) AS v, expires, value,
          CAST(modified / 1000000 AS TEXT) AS modifiedMs FROM kv WHERE expires > '2026-11-22 11:12:35.7+00:00'`,
      )
      .get();
    assert.deepEqual(row, {
      k: "text",
      m: "integer",
      v: "blob",
      expires: "2026-11-22 11:22:35.25+00:00",
      value: Buffer.from("one"),
      modifiedMs: String(clock.now().getTime()),
    });
    const events = stock.prepare(
      "SELECT type, typeof(type) AS t, created, kv_key, kv_expires, kv_value FROM events ORDER BY id",
    );
    const created = "2026-11-22 11:12:35.7+00:00";
    const expires = "2026-11-22 11:22:35.25+00:00";
    assert.deepEqual(events.all(), [
      { type: "1", t: "text", created, kv_key: "/a", kv_expires: expires, kv_value: Buffer.from("one") },
      { type: "1", t: "text", created, kv_key: "/b", kv_expires: null, kv_value: Buffer.from("two") },
      { type: "2", t: "text", created, kv_key: "/b", kv_expires: null, kv_value: null },
    ]);
    assert.deepEqual(stock.prepare("SELECT * FROM meta").all(), []);
    assert.equal(stock.pragma("user_version", { simple: true }), 0);
    stock.close();
  });

  it("4.2's rewrite of a row changes its revision, with either of its statements", async () => {
    const storage = await openDirStorage({ directory });
    const replaced = await storage.put({ key: "/replaced", value: Buffer.from("x") });
    const updated = await storage.put({ key: "/updated", value: Buffer.from("x") });
    await storage.close();
    const stock = openStock(directory);
    putStock(stock, "/replaced", "x");
    stock.prepare("UPDATE kv SET modified = ?, value = ? WHERE key = '/updated'").run(1n, Buffer.from("x"));
    stock.close();
    const again = await openDirStorage({ directory });
    for (const [key, revision] of [
      ["/replaced", replaced],
      ["/updated", updated],
    ] as const) {
      await assert.rejects(again.compareAndSwap({ key, value: Buffer.from("y") }, revision), {
        code: "compare_failed",
      });
      await again.compareAndSwap({ key, value: Buffer.from("y") }, (await again.get(key)).revision);
    }
    await again.close();
  });

  it("a cursor from before 4.2 ran gets a reset, even though 4.2 numbers its events anew", async () => {
    const storage = await openDirStorage({ directory });
    const before = await firstEvents(storage.watch(["/"]), 1);
    const revision = await storage.put({ key: "/a", value: Buffer.from("1") });
    await storage.close();
    const stock = openStock(directory);
    stock.exec("DELETE FROM events");
    putStock(stock, "/a", "2");
    stock.close();
    const again = await openDirStorage({ directory });
    const resumed = again.watch(["/"], { cursor: before[0]?.cursor });
    const next = await again.put({ key: "/b", value: Buffer.from("3") });
    assert.deepEqual(
      (await firstEvents(resumed, 3)).map((event) => (event.type === "put" ? event.item.key : event.type)),
      ["init", "reset", "/b"],
    );
    assert.ok(parseInt(next) > parseInt(revision), "numbers never restart");
    await again.close();
  });
});

async function firstEvents(events: AsyncIterable<StorageEvent>, count: number): Promise<StorageEvent[]> {
  const taken: StorageEvent[] = [];
  for await (const event of events) {
    if (taken.push(event) === count) {
      break;
    }
  }
  return taken;
}
