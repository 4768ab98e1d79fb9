/** What an operator sees of the storage: its metrics, `tctl top`, the log of slow operations, `tctl storage bench`. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { parseMetrics, type Snapshot } from "../../core/cli/tctl/prometheus-text.js";
import type { StorageBenchReport } from "../../core/resources/storage-bench.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { needProgram, ours, run } from "./kit/programs.js";

describe("e2e: what an operator sees of the storage", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  before(async () => {
    // Every operation is slow by this threshold.
    daemon = await startDaemon({ teleport: { storage: { slow_operation_threshold: "1ns" } } });
  });
  after(() => daemon?.remove());

  const metrics = async (): Promise<Snapshot> => {
    const response = await fetch(`http://127.0.0.1:${daemon.ports.diag}/metrics`);
    return parseMetrics(await response.text(), new Date());
  };

  it("has the metrics of 4.2 and ours", async () => {
    const snapshot = await metrics();
    for (const kind of ["read", "write", "batch_read", "batch_write"]) {
      const [requests] = snapshot.all(`backend_${kind}_requests_total`);
      assert.deepEqual(requests?.labels, { component: "backend" }, kind);
      const [failed] = snapshot.all(`backend_${kind}_requests_failed_total`);
      assert.deepEqual(failed, { name: failed?.name, labels: { component: "backend" }, value: 0 }, kind);
    }
    for (const kind of ["read", "write", "batch_read"]) {
      assert.ok(snapshot.sum(`backend_${kind}_requests_total`)! > 0, kind);
      assert.equal(snapshot.all(`backend_${kind}_seconds_bucket`).length, 17, kind);
      assert.equal(
        snapshot.sum(`backend_${kind}_seconds_count`),
        snapshot.sum(`backend_${kind}_requests_total`),
      );
    }
    assert.ok(snapshot.sum("backend_watchers_total")! > 0);
    assert.equal(snapshot.all("backend_watcher_queues_total").length, 1);
    assert.equal(snapshot.sum("backend_watch_resets_total"), 0);
    const puts = snapshot.all("backend_operations_total").filter(({ labels }) => labels["verb"] === "put");
    assert.ok(puts.every(({ labels }) => labels["backend"] === "dir"));
    assert.equal(snapshot.all("backend_requests").length, 0, "by key with --debug only");
  });

  it("logs slow operations by the kind of key, some of them, and counts all", async () => {
    await daemon.logged("a storage operation was slow");
    const lines = daemon
      .output()
      .split("\n")
      .filter((line) => line.includes("a storage operation was slow"));
    assert.ok(lines.length <= 20, `${lines.length} lines`);
    assert.match(daemon.output(), /WARN.* backend:dir verb:\w+ key:\S+ seconds:/);
    assert.ok((await metrics()).sum("backend_slow_operations_total")! > lines.length);
  });

  it("shows it in tctl top", async function () {
    needProgram(this, "expect");
    const script = [
      "set timeout 30",
      "set stty_init {rows 80 columns 100}",
      `spawn ${ours("tctl")} top 127.0.0.1:${daemon.ports.diag} 100ms`,
      'expect_after timeout {puts "no such text"; exit 9}',
      'expect "Press <q>"',
      'send "2"',
      "expect -re {Backend +dir}",
      "expect -re {Operations/sec +[0-9.]+}",
      'expect "Top backend requests"',
      'expect "start it with --debug"',
      'expect "backend batch write"',
      'send "q"',
      "expect eof",
      "exit [lindex [wait] 3]",
    ].join("\n");
    const file = path.join(daemon.folder, "top.exp");
    writeFileSync(file, script);
    const { code, stdout } = await run("expect", [file]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /Slow Operations +\d+/);
  });

  it("measures the storage while it serves, leaves nothing in it, and audits who asked", async () => {
    const text = await daemon.tctl("storage", "bench", "--duration=1s", "--in-flight=4", "--value-bytes=100");
    assert.match(text, /^Storage dir, from the auth server node1, with values of 100 bytes\n/);
    for (const name of ["one write", "writes", "reads", "range of 1000", "read and swap", "write to event"]) {
      assert.match(text, new RegExp(`^${name} +\\d+ +[1-9]\\d* +0 `, "m"), name);
    }
    await daemon.audited(
      (event) =>
        event["event"] === "storage.bench" && event["value_bytes"] === 100 && event["backend"] === "dir",
    );
    const folder = path.join(daemon.dataDir, "backend");
    assert.deepEqual(
      readdirSync(folder).filter((name) => !name.startsWith("sqlite.db")),
      [],
    );
    const db = new Database(path.join(folder, "sqlite.db"), { readonly: true });
    const left = db
      .prepare("SELECT count(*) FROM kv WHERE key LIKE '/extensions/storage_bench%'")
      .pluck()
      .get();
    db.close();
    assert.equal(left, 0);
  });

  it("is for scripts, too, and says what it does not take", async () => {
    const json = await daemon.tctl("storage", "bench", "--duration=1s", "--in-flight=1", "--format=json");
    const report = JSON.parse(json) as StorageBenchReport;
    assert.equal(report.backend, "dir");
    assert.ok(report.phases.every(({ failed, count }) => failed === 0 && count > 0));
    const refused = async (...flags: string[]): Promise<string> => {
      const { code, stderr } = await daemon.runTctl(["storage", "bench", ...flags]);
      assert.equal(code, 1);
      return stderr;
    };
    assert.match(await refused("--duration=1h"), /duration_ms .* from 1000 to 20000\n$/);
    assert.match(await refused("--in-flight=x"), /^error: --in-flight takes a whole number, not "x"\n$/);
  });
});
