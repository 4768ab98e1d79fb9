import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { silentLogger, systemClock, type PluginContext } from "@teleport/plugin";
import plugin, { openDirStorage } from "../../../plugins/backend-dir/index.js";
import { scratchDirectory } from "./scratch.js";

describe("plugins/backend-dir", () => {
  let directory: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ directory, remove } = await scratchDirectory()));
  afterEach(() => remove());

  const context = (dataDir: string): PluginContext => ({
    log: silentLogger,
    clock: systemClock,
    dataDir,
    hostId: "11111111-2222-4333-8444-555555555555",
    hostname: "main",
  });

  it("takes the keys of 4.2, and is durable unless told otherwise", () => {
    assert.deepEqual(plugin.schema.parse({}), {
      directory: undefined,
      sync: "FULL",
      busyTimeoutMs: 10_000,
      pollPeriodMs: 1000,
      bufferSize: 1024,
    });
    const all = {
      path: "/var/lib/x",
      sync: "off",
      busy_timeout: 5,
      poll_stream_period: "1m30s",
      buffer_size: 9,
    };
    assert.deepEqual(plugin.schema.parse(all), {
      directory: "/var/lib/x",
      sync: "OFF",
      busyTimeoutMs: 5,
      pollPeriodMs: 90_000,
      bufferSize: 9,
    });
  });

  for (const broken of [
    { pth: "/x" },
    { path: "relative" },
    { sync: "SOMETIMES" },
    { busy_timeout: -1 },
    { poll_stream_period: "often" },
    { poll_stream_period: "0s" },
    { buffer_size: 0 },
  ]) {
    it(`refuses ${JSON.stringify(broken)}`, () => {
      assert.equal(plugin.schema.safeParse(broken).success, false);
    });
  }

  it("touches nothing before start, serves between start and close, and can be closed in any phase", async () => {
    const settings = plugin.schema.parse({});
    const instance = await plugin.create(settings, context(directory));
    await assert.rejects(stat(join(directory, "backend")), { code: "ENOENT" });
    await assert.rejects(instance.product.get("/a"), { code: "unavailable", message: /not open yet/ });
    await instance.start?.();
    await instance.product.put({ key: "/a", value: Buffer.from("x") });
    assert.ok((await stat(join(directory, "backend", "sqlite.db"))).isFile());
    await instance.close();
    await instance.close();
    await (await plugin.create(settings, context(directory))).close();
    const starting = await plugin.create(settings, context(directory));
    const started = starting.start?.().catch(() => undefined);
    await starting.close();
    await started;
    await assert.rejects(starting.product.get("/a"), { code: "unavailable" });
  });

  it("refuses keys, values and expiries that it cannot keep", async () => {
    const storage = await openDirStorage({ directory });
    const value = Buffer.from("x");
    for (const key of ["", "/a\0b", "/a\nb", "/\ud800"]) {
      await assert.rejects(storage.put({ key, value }), { code: "bad_parameter" });
    }
    await assert.rejects(storage.put({ key: `/${"a".repeat(5000)}`, value }), { code: "limit_exceeded" });
    await assert.rejects(storage.put({ key: "/a", value: Buffer.alloc(9_000_000) }), {
      code: "limit_exceeded",
    });
    for (const expires of [new Date(NaN), new Date("+012000-01-01T00:00:00Z")]) {
      await assert.rejects(storage.put({ key: "/a", value, expires }), { code: "bad_parameter" });
      await assert.rejects(storage.keepAlive("/a", expires), { code: "bad_parameter" });
    }
    await storage.close();
  });

  it("works without a journal: the process's own state has no watches", async () => {
    const storage = await openDirStorage({ directory, events: false });
    await storage.put({ key: "/ids/node/current", value: Buffer.from("x") });
    assert.ok(await storage.get("/ids/node/current"));
    assert.throws(() => storage.watch(["/"]), { code: "not_implemented" });
    await storage.close();
  });
});
