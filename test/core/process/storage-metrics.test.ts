import assert from "node:assert/strict";
import { createPrometheus } from "../../../core/process/prometheus.js";
import { measuredBackend } from "../../../core/process/measured-backend.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { systemClock } from "../../../core/plugin/clock.js";
import { resolveSettings } from "../../../core/config/settings.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { parseMetrics } from "../../../core/cli/tctl/prometheus-text.js";

const item = (key: string) => ({ key, value: Buffer.from("v") });

function start(type: string, debug = false) {
  const { registry, metrics } = createPrometheus(() => "ok");
  const settings = { ...resolveSettings(undefined, {}, { hostname: "h" }), debug };
  const storage = measuredBackend(createMemoryStorage(), type, {
    settings,
    metrics,
    log: silentLogger,
    clock: systemClock,
  });
  const value = async (name: string, labels: Record<string, string> = {}): Promise<number | undefined> =>
    parseMetrics(await registry.metrics(), new Date())
      .all(name)
      .find((sample) => Object.entries(labels).every(([key, text]) => sample.labels[key] === text))?.value;
  return { storage, metrics, value, registry };
}

const component = { component: "backend" };

describe("core/process/storage-metrics", () => {
  it("counts under the names and labels of 4.2", async () => {
    const { storage, value } = start("dir");
    await storage.put(item("/roles/a/params"));
    await storage.get("/roles/a/params");
    for await (const _item of storage.range({ start: "/roles/", end: "/roles0" }));
    await storage.deleteRange({ start: "/roles/", end: "/roles0" });
    for (const kind of ["read", "write", "batch_read", "batch_write"]) {
      assert.equal(await value(`backend_${kind}_requests_total`, component), 1, kind);
      assert.equal(await value(`backend_${kind}_requests_failed_total`, component), 0, kind);
      assert.equal(await value(`backend_${kind}_seconds_count`, component), 1, kind);
      assert.equal(await value(`backend_${kind}_seconds_bucket`, { ...component, le: "32.768" }), 1, kind);
    }
    assert.equal(await value("backend_operations_total", { backend: "dir", verb: "get", outcome: "ok" }), 1);
    assert.equal(await value("backend_requests"), undefined, "by key with --debug only");
    assert.equal(await value("etcd_backend_read_requests"), undefined, "of etcd only");
    await storage.close();
  });

  it("counts as failed what fails, not what is refused", async () => {
    const { storage, value } = start("dir");
    await storage.create(item("/a"));
    await assert.rejects(storage.create(item("/a")));
    await assert.rejects(storage.compareAndSwap(item("/a"), "x"));
    await assert.rejects(storage.get("/absent"));
    assert.equal(await value("backend_write_requests_failed_total", component), 0);
    assert.equal(await value("backend_read_requests_failed_total", component), 0);
    await storage.close();
    await assert.rejects(storage.get("/a"), { code: "unavailable" });
    assert.equal(await value("backend_read_requests_failed_total", component), 1);
    const refused = { backend: "dir", verb: "create", outcome: "already_exists" };
    assert.equal(await value("backend_operations_total", refused), 1);
  });

  it("counts by key with --debug, without names and secrets", async () => {
    const { storage, value, registry } = start("dir", true);
    await storage.put(item("/tokens/s3cret"));
    await assert.rejects(storage.get("/web/users/alice/sessions/s3cret"));
    await storage.deleteRange({ start: "/tokens/", end: "/tokens0" });
    assert.equal(await value("backend_requests", { req: "/tokens/*", range: "false", ...component }), 1);
    assert.equal(await value("backend_requests", { req: "/tokens/", range: "true" }), 1);
    assert.equal(await value("backend_requests", { req: "/web/users/*/sessions/*" }), 1);
    assert.doesNotMatch(await registry.metrics(), /s3cret|alice/);
    await storage.close();
  });

  it("has 4.2's own metrics of etcd, where conditional writes are transactions", async () => {
    const { storage, value } = start("etcd");
    const revision = await storage.create(item("/a"));
    await storage.update(item("/a"), revision);
    await storage.put(item("/a"));
    await storage.get("/a");
    assert.equal(await value("etcd_backend_tx_requests"), 2);
    assert.equal(await value("etcd_backend_write_requests"), 1);
    assert.equal(await value("etcd_backend_read_seconds_count"), 1);
    assert.equal(await value("etcd_backend_batch_read_requests"), 0);
    await storage.close();
  });

  it("tells open watches, those that lag, and lost changes", async () => {
    const { metrics, value } = start("dir");
    const meter = metrics.ofStorage({ type: "dir" })?.meter;
    assert.ok(meter);
    const one = meter.watch();
    const two = meter.watch();
    one.busy(true);
    one.busy(true);
    two.busy(true);
    two.reset();
    assert.equal(await value("backend_watchers_total", component), 2);
    assert.equal(await value("backend_watcher_queues_total", component), 2);
    assert.equal(await value("backend_watch_resets_total", { backend: "dir" }), 1);
    one.busy(false);
    one.ended();
    two.ended();
    assert.equal(await value("backend_watchers_total", component), 0);
    assert.equal(await value("backend_watcher_queues_total", component), 0);
  });

  it("counts slow operations and what plugins tell", async () => {
    const { metrics, value } = start("dir");
    metrics.ofStorage({ type: "dynamodb" })?.slow("put");
    const plugin = metrics.ofPlugin("storage.dynamodb");
    plugin?.count("throttled", 3);
    plugin?.count("retried");
    assert.equal(await value("backend_slow_operations_total", { backend: "dynamodb", verb: "put" }), 1);
    const events = { plugin: "storage.dynamodb" };
    assert.equal(await value("plugin_events_total", { ...events, event: "throttled" }), 3);
    assert.equal(await value("plugin_events_total", { ...events, event: "retried" }), 1);
  });
});
