/** Measures the embedded backend: durable writes, reads, hold-ups of the event loop, watch latency across processes. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Storage } from "@teleport/plugin";
import { openDirStorage } from "../plugins/backend-dir/index.js";

const VALUE = Buffer.alloc(1024, "x");
const SAMPLES = 200;
const key = (n: number): string => `/bench/${String(n).padStart(6, "0")}`;

interface Rate {
  readonly perSecond: number;
  readonly longestStallMs: number;
}

/** Runs `count` operations, `inFlight` at a time, and watches the event loop meanwhile. */
async function rate(
  count: number,
  inFlight: number,
  operation: (n: number) => Promise<unknown>,
): Promise<Rate> {
  let next = 0;
  let longest = 0;
  let running = true;
  const watch = (async () => {
    for (let before = performance.now(); running;) {
      await turn();
      const now = performance.now();
      longest = Math.max(longest, now - before);
      before = now;
    }
  })();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) {
        await operation(next++);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  running = false;
  await watch;
  return { perSecond: Math.round(count / seconds), longestStallMs: round(longest) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function percentiles(values: readonly number[]): Record<"p50" | "p99" | "max", number> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.floor((sorted.length - 1) * share)] ?? NaN);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function rangeRate(storage: Storage): Promise<Rate> {
  let rows = 0;
  const result = await rate(5, 1, async () => {
    for await (const _item of storage.range({ start: "/bench/", end: "/bench0" })) {
      rows++;
    }
  });
  return { ...result, perSecond: Math.round((result.perSecond * rows) / 5) };
}

/** Milliseconds from the call of a write in another process to its event here. */
async function watchLatency(storage: Storage, directory: string): Promise<number[]> {
  const child = fork(fileURLToPath(import.meta.url), ["writer", directory]);
  const latencies: number[] = [];
  await once(child, "message");
  for await (const event of storage.watch(["/latency/"])) {
    if (event.type === "put") {
      // The monotonic clock is one and the same for all processes of a host.
      const called = BigInt(Buffer.from(event.item.value).toString());
      latencies.push(Number(process.hrtime.bigint() - called) / 1e6);
    }
    if (latencies.length === SAMPLES) {
      break;
    }
    child.send("write");
  }
  child.disconnect();
  await once(child, "exit");
  return latencies;
}

async function writeWhenTold(directory: string): Promise<void> {
  const storage = await openDirStorage({ directory });
  let n = 0;
  process.on("message", () => {
    void storage.put({ key: `/latency/${n++}`, value: Buffer.from(String(process.hrtime.bigint())) });
  });
  process.on("disconnect", () => void storage.close());
  process.send?.("ready");
}

async function main(): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), "teleport-bench-"));
  const directory = join(parent, "backend");
  const storage = await openDirStorage({ directory });
  const put = (n: number): Promise<string> => storage.put({ key: key(n), value: VALUE });
  await rate(500, 50, put);
  const idle = await rate(1, 1, () => pause(1000));
  const result = {
    benchmark: "storage",
    node: process.version,
    cpus: cpus().length,
    valueBytes: VALUE.length,
    /** What the machine itself does to an idle event loop: the other hold-ups are to be read beside it. */
    idleLongestStallMs: idle.longestStallMs,
    durableWrites: {
      oneInFlight: await rate(1000, 1, put),
      hundredInFlight: await rate(20_000, 100, put),
      thousandAtOnce: await rate(1000, 1000, put),
    },
    compareAndSwap: await rate(1000, 1, async () => {
      const item = await storage.get(key(0));
      await storage.compareAndSwap(item, item.revision);
    }),
    reads: {
      point: await rate(50_000, 10, (n) => storage.get(key(n % 20_000))),
      rangeRows: await rangeRate(storage),
    },
    watchAcrossProcessesMs: { ...percentiles(await watchLatency(storage, directory)), budget: 100 },
  };
  await storage.close();
  await rm(parent, { recursive: true });
  console.log(JSON.stringify(result, undefined, 2));
}

const [role, directory = ""] = process.argv.slice(2);
await (role === "writer" ? writeWhenTold(directory) : main());
