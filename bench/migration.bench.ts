/** Measures moves of a cluster between backends while 500 writes a second go on: items per second, and the write pause. */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { silentLogger, systemClock, type Storage } from "@teleport/plugin";
import { openPluginHost, runPlugin } from "../core/plugin/host.js";
import { StorageMover } from "../core/storage/migration/mover.js";
import type { StoreSettings } from "../core/storage/migration/records.js";
import type { MigrationTools, OpenStore } from "../core/storage/migration/tools.js";
import { dynamoLocal, freshTable } from "../test/kit/dynamodb.js";
import { startEtcd } from "../test/kit/etcd.js";

const ITEMS = 10_000;
const WRITES_PER_SECOND = 500;
/** A backend that cannot take so many writes a second is given fewer, rather than a growing heap of them. */
const MOST_IN_FLIGHT = 100;
const VALUE = Buffer.alloc(512, "x");
const CLUSTER_KEY = "/cluster_configuration/name";

interface Leg {
  readonly from: string;
  readonly to: string;
  readonly itemsPerSecond: number;
  readonly writePauseMs: number;
  readonly pauseBudgetMs: number;
  /** Writes that were acknowledged while the cluster moved, and how long the slowest took. */
  readonly writes: number;
  readonly slowestWriteMs: number;
  readonly failedWrites: number;
  readonly lostWrites: number;
}

/** Writes at a steady rate until told to stop, each to a key of its own with a growing number. */
class SteadyWriter {
  readonly acknowledged = new Map<string, string>();
  slowestMs = 0;
  failed = 0;
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(private readonly storage: Storage) {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const started = performance.now();
    const pending = new Set<Promise<void>>();
    for (let n = 0; !this.#stopped; n++) {
      const due = started + (n * 1000) / WRITES_PER_SECOND;
      const early = due - performance.now();
      if (early > 1) await pause(early);
      while (pending.size >= MOST_IN_FLIGHT) await Promise.race(pending);
      const write: Promise<void> = this.#write(n).finally(() => pending.delete(write));
      pending.add(write);
    }
    await Promise.all(pending);
  }

  async #write(n: number): Promise<void> {
    const began = performance.now();
    // Each key has one writer at a time: what was acknowledged last is what must be there.
    const key = `/steady/${n}`;
    try {
      await this.storage.put({ key, value: Buffer.from(String(n)) });
      this.acknowledged.set(key, String(n));
    } catch {
      this.failed++;
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
  }
}

async function main(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "teleport-bench-"));
  const etcd = await startEtcd();
  const dynamo = await dynamoLocal();
  const dir = (name: string): StoreSettings => ({ type: "dir", settings: { path: path.join(folder, name) } });
  const { type: _, ...dynamoSettings } = dynamo.settings;
  const stores: Record<string, StoreSettings> = {
    first: dir("first"),
    second: dir("second"),
    etcd: { type: "etcd", settings: { peers: etcd.peers, prefix: "/bench", insecure: true } },
    dynamodb: { type: "dynamodb", settings: { ...dynamoSettings, table_name: freshTable("bench") } },
    third: dir("third"),
  };
  const tools = await toolsIn(folder);
  const start = await tools.open(stores["first"] as StoreSettings);
  await fill(start.storage);
  const mover = await StorageMover.start({ ...start, epoch: 0 }, tools);
  const legs: Leg[] = [];
  for (const to of ["second", "etcd", "dynamodb", "third"]) {
    legs.push(await move(mover, stores[to] as StoreSettings));
  }
  await mover.close();
  await mover.storage.close();
  await etcd.dispose();
  await rm(folder, { recursive: true });
  console.log(
    JSON.stringify(
      { benchmark: "migration", node: process.version, cpus: cpus().length, items: ITEMS, legs },
      undefined,
      2,
    ),
  );
  process.exit(0);
}

async function move(mover: StorageMover, to: StoreSettings): Promise<Leg> {
  const writer = new SteadyWriter(mover.storage);
  await pause(500);
  const began = performance.now();
  const report = await mover.migrate(to);
  const seconds = (performance.now() - began) / 1000;
  await pause(500);
  await writer.stop();
  const stored = new Map<string, string>();
  for await (const { key, value } of mover.storage.range({ start: "/steady/", end: "/steady0" })) {
    stored.set(key, Buffer.from(value).toString());
  }
  const lost = [...writer.acknowledged].filter(([key, value]) => stored.get(key) !== value).length;
  await mover.storage.deleteRange({ start: "/steady/", end: "/steady0" });
  return {
    from: report.from,
    to: report.to,
    itemsPerSecond: Math.round(report.items / seconds),
    writePauseMs: report.pauseMs,
    pauseBudgetMs: to.type === "dynamodb" ? 2000 : 250,
    writes: writer.acknowledged.size,
    slowestWriteMs: Math.round(writer.slowestMs),
    failedWrites: writer.failed,
    lostWrites: lost,
  };
}

async function fill(storage: Storage): Promise<void> {
  await storage.put({ key: CLUSTER_KEY, value: Buffer.from("bench") });
  await Promise.all(
    Array.from({ length: ITEMS }, (_, n) =>
      storage.put({ key: `/items/${String(n).padStart(6, "0")}`, value: VALUE }),
    ),
  );
}

async function toolsIn(folder: string): Promise<MigrationTools> {
  const plugins = await openPluginHost([], folder);
  const host = { id: "bench", name: "bench" };
  const context = {
    log: silentLogger,
    clock: systemClock,
    dataDir: folder,
    hostId: host.id,
    hostname: host.name,
  };
  return {
    async open(settings): Promise<OpenStore> {
      const definition = await plugins.definition("storage", settings.type);
      const plugin = await runPlugin(definition, definition.schema.parse(settings.settings), context);
      return { settings, storage: plugin.product, close: () => plugin.close() };
    },
    identify: (storage) =>
      storage.get(CLUSTER_KEY).then(
        () => ({ id: "bench", name: "bench" }),
        () => undefined,
      ),
    authServers: () => Promise.resolve([]),
    onServing: () => Promise.resolve(),
    onAborted: () => undefined,
    host,
    clock: systemClock,
    log: silentLogger,
  };
}

await main();
