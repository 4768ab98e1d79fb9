import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { BatchWriter } from "../../../plugins/backend-dir/batch-writer.js";
import { prepareSchema } from "../../../plugins/backend-dir/schema.js";
import type { WriteRequest, WriteResult } from "../../../plugins/backend-dir/write-request.js";

const nowMs = Date.UTC(2026, 0, 1);
const put = (key: string, value = "x"): WriteRequest => ({
  verb: "put",
  key,
  value: Buffer.from(value),
  nowMs,
});
const codeOf = (result: WriteResult | undefined): string =>
  result && "failure" in result ? result.failure.code : "ok";

describe("plugins/backend-dir/batch-writer", () => {
  let db: Database.Database;
  let writer: BatchWriter;
  beforeEach(() => {
    db = new Database(":memory:");
    prepareSchema(db);
    writer = new BatchWriter(db, "the file", true);
  });
  afterEach(() => db.close());

  it("gives each request of a transaction its own result", () => {
    const results = writer.run([put("/a"), { ...put("/a"), verb: "create" } as WriteRequest, put("/b")]);
    assert.deepEqual(results.map(codeOf), ["ok", "already_exists", "ok"]);
    assert.equal(db.prepare("SELECT count(*) FROM events").pluck().get(), 2);
  });

  it("numbers changes without gaps: a failed request gives its number back", () => {
    const results = writer.run([put("/a"), { verb: "delete", key: "/none", nowMs }, put("/b")]);
    const numbers = results.map((result) => ("revision" in result ? parseInt(result.revision) : undefined));
    assert.deepEqual([numbers[0], numbers[2]], [numbers[0], (numbers[0] ?? 0) + 1]);
  });

  it("numbers go on beyond 32 bits", () => {
    db.exec("UPDATE journal SET last = 8589934592");
    const [result] = writer.run([put("/a")]);
    assert.ok(result && "revision" in result && result.revision.startsWith("8589934593-"));
    assert.equal(db.prepare("SELECT id FROM events").pluck().get(), 8589934593);
    assert.equal(
      codeOf(writer.run([{ verb: "delete", key: "/a", expected: result.revision, nowMs }])[0]),
      "ok",
    );
  });

  it("a full disk fails what does not fit as unavailable and keeps the database whole", () => {
    writer.run([put("/before")]);
    db.pragma(`max_page_count = ${Number(db.pragma("page_count", { simple: true })) + 20}`);
    const results = writer.run([put("/small"), put("/large", "x".repeat(1_000_000))]);
    assert.equal(codeOf(results[1]), "unavailable");
    const [, large] = results;
    assert.ok(large && "failure" in large);
    assert.match(large.failure.message, /the disk that holds the file is full/);
    assert.equal(db.inTransaction, false);
    // Whatever was said to have happened has happened.
    const stored = db.prepare("SELECT key FROM kv ORDER BY key").pluck().all();
    assert.deepEqual(stored, codeOf(results[0]) === "ok" ? ["/before", "/small"] : ["/before"]);
    assert.equal(db.pragma("integrity_check", { simple: true }), "ok");
    db.pragma("max_page_count = 100000");
    assert.equal(codeOf(writer.run([put("/after")])[0]), "ok");
  });

  it("a sweep removes expired items, at most 1,024 at once, and records the deletes", () => {
    const expired = Array.from({ length: 1100 }, (_, n): WriteRequest => ({
      verb: "put",
      key: `/e/${n}`,
      value: Buffer.from("x"),
      expiresMs: nowMs + 10,
      nowMs,
    }));
    writer.run([...expired, put("/stays")]);
    assert.deepEqual(writer.run([{ verb: "sweep", nowMs: nowMs + 9 }]), [{ count: 0 }]);
    assert.deepEqual(writer.run([{ verb: "sweep", nowMs: nowMs + 10 }]), [{ count: 1024 }]);
    assert.deepEqual(writer.run([{ verb: "sweep", nowMs: nowMs + 10 }]), [{ count: 76 }]);
    assert.deepEqual(db.prepare("SELECT key FROM kv").pluck().all(), ["/stays"]);
    assert.equal(db.prepare("SELECT count(*) FROM events WHERE type = '2'").pluck().get(), 1100);
  });

  it("records nothing where nobody watches, and still never repeats a revision", () => {
    const quiet = new BatchWriter(db, "the file", false);
    const first = quiet.run([put("/a"), { verb: "delete", key: "/a", nowMs }, put("/a")]);
    const again = new BatchWriter(db, "the file", false).run([put("/a")]);
    const revisions = [first[0], first[2], again[0]].map(
      (result) => result && "revision" in result && result.revision,
    );
    assert.equal(new Set(revisions).size, 3);
    assert.equal(db.prepare("SELECT count(*) FROM events").pluck().get(), 0);
  });
});
