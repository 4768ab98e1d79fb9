/**
 * Measures every backend against the client library below it, in the same run and on the same server: reads, writes and
 * ranges as ratios, events across processes, the longest turn of the event loop, processor time.
 * `node dist/bench/storage.bench.js dir` measures one.
 */
import { cpus } from "node:os";
import { isBackendName, type BackendName } from "./storage/backend.js";
import { benchBackend } from "./storage/harness.js";
import type { BenchTarget } from "./storage/target.js";

/** Loaded one by one: their client libraries are large. */
const TARGETS: Readonly<Record<BackendName, () => Promise<BenchTarget>>> = {
  dir: async () => (await import("./storage/dir-target.js")).dirTarget(),
  etcd: async () => (await import("./storage/etcd-target.js")).etcdTarget(),
  dynamodb: async () => (await import("./storage/dynamodb-target.js")).dynamodbTarget(),
};

const wanted = process.argv.slice(2);
for (const name of wanted) if (!isBackendName(name)) throw new Error(`no such backend: ${name}`);
const backends: Record<string, unknown>[] = [];
for (const [name, open] of Object.entries(TARGETS)) {
  if (wanted.length === 0 || wanted.includes(name)) backends.push(await benchBackend(await open()));
}
console.log(
  JSON.stringify(
    { benchmark: "storage", node: process.version, cpus: cpus().length, backends },
    undefined,
    2,
  ),
);
