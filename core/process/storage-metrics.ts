/**
 * Metrics of the storage in Prometheus' format. The names with `component` are those of 4.2 (features.md §11.4) and have
 * its labels and no others, so that its dashboards go on; what is ours tells backends apart by `backend`.
 */
import { Counter, exponentialBuckets, Gauge, Histogram, type Registry } from "prom-client";
import { isBackendFailure, type MeasuredVerb, type StorageMeter } from "../storage/measured-storage.js";
import type { MeasuredBackend, StorageMetrics } from "./metrics.js";

/** 4.2's buckets: 1 ms to 32 s. */
const BUCKETS = exponentialBuckets(0.001, 2, 16);
const COMPONENT = "backend";

/** The kinds of request that 4.2 tells apart. */
const KINDS = ["read", "write", "batch_read", "batch_write"] as const;
type Kind = (typeof KINDS)[number];
const KIND_OF: Readonly<Record<MeasuredVerb, Kind>> = {
  get: "read",
  range: "batch_read",
  deleteRange: "batch_write",
  create: "write",
  put: "write",
  update: "write",
  compareAndSwap: "write",
  delete: "write",
  keepAlive: "write",
};

/** The kinds of request that 4.2 counts for etcd alone. */
const ETCD_KINDS = ["read", "batch_read", "write", "tx"] as const;
const ETCD_KIND_OF: Readonly<Record<MeasuredVerb, (typeof ETCD_KINDS)[number]>> = {
  ...{ get: "read", range: "batch_read" },
  ...{ put: "write", delete: "write", deleteRange: "write", keepAlive: "write" },
  ...{ create: "tx", update: "tx", compareAndSwap: "tx" },
};

/** Makes the metrics, and meters that fill them. */
export function createStorageMetrics(registry: Registry): (backend: MeasuredBackend) => StorageMetrics {
  const registers = [registry];
  const labelNames = ["component"];
  const each = <T>(make: (kind: Kind) => T): Record<Kind, T> =>
    Object.fromEntries(KINDS.map((kind) => [kind, make(kind)])) as Record<Kind, T>;
  const requests = each(
    (kind) =>
      new Counter({
        name: `backend_${kind}_requests_total`,
        help: `Requests to the storage: ${kind}`,
        labelNames,
        registers,
      }),
  );
  const failures = each(
    (kind) =>
      new Counter({
        name: `backend_${kind}_requests_failed_total`,
        help: `Requests that the storage failed at: ${kind}`,
        labelNames,
        registers,
      }),
  );
  const seconds = each(
    (kind) =>
      new Histogram({
        name: `backend_${kind}_seconds`,
        help: `How long requests to the storage take: ${kind}`,
        labelNames,
        buckets: BUCKETS,
        registers,
      }),
  );
  const watchers = new Gauge({
    name: "backend_watchers_total",
    help: "Watches of the storage that are open",
    labelNames,
    registers,
  });
  const queues = new Gauge({
    name: "backend_watcher_queues_total",
    help: "Watches that have an event they are not done with",
    labelNames,
    registers,
  });
  const byKey = new Counter({
    name: "backend_requests",
    help: "Requests to the storage by key, with --debug only",
    labelNames: ["component", "req", "range"],
    registers,
  });
  const operations = new Counter({
    name: "backend_operations_total",
    help: "Operations of the storage by backend, verb and outcome: ok or the code of the error",
    labelNames: ["backend", "verb", "outcome"],
    registers,
  });
  const slow = new Counter({
    name: "backend_slow_operations_total",
    help: "Operations slower than teleport.storage.slow_operation_threshold",
    labelNames: ["backend", "verb"],
    registers,
  });
  const resets = new Counter({
    name: "backend_watch_resets_total",
    help: "How often a watch has lost changes and everything was read again",
    labelNames: ["backend"],
    registers,
  });
  const etcd = lazily(() => etcdMetrics(registers));
  return ({ type, keyShape }) => {
    const labels = { component: COMPONENT };
    const byKind = each((kind) => ({
      requests: requests[kind].labels(labels),
      failures: failures[kind].labels(labels),
      seconds: seconds[kind].labels(labels),
    }));
    const open = watchers.labels(labels);
    const busy = queues.labels(labels);
    const resetsHere = resets.labels({ backend: type });
    const ofEtcd = type === "etcd" ? etcd() : undefined;
    // So that a rate can be told from the first event on.
    KINDS.forEach((kind) => {
      byKind[kind].requests.inc(0);
      byKind[kind].failures.inc(0);
    });
    resetsHere.inc(0);
    open.inc(0);
    busy.inc(0);
    const meter: StorageMeter = {
      operation({ verb, key, seconds: took, code }) {
        const kind = byKind[KIND_OF[verb]];
        kind.requests.inc();
        kind.seconds.observe(took);
        if (isBackendFailure(code)) kind.failures.inc();
        operations.inc({ backend: type, verb, outcome: code ?? "ok" });
        if (keyShape) {
          const range = verb === "range" || verb === "deleteRange" ? "true" : "false";
          byKey.inc({ component: COMPONENT, req: keyShape(key), range });
        }
        ofEtcd?.(verb, took);
      },
      watch() {
        let isBusyNow = false;
        const setBusy = (isBusy: boolean): void => {
          if (isBusy !== isBusyNow) busy.inc(isBusy ? 1 : -1);
          isBusyNow = isBusy;
        };
        open.inc();
        return {
          busy: setBusy,
          reset: () => resetsHere.inc(),
          ended() {
            setBusy(false);
            open.dec();
          },
        };
      },
    };
    return { meter, slow: (verb) => slow.inc({ backend: type, verb }) };
  };
}

/** 4.2's own metrics of etcd. */
function etcdMetrics(registers: Registry[]): (verb: MeasuredVerb, seconds: number) => void {
  const of = new Map(
    ETCD_KINDS.map((kind) => [
      kind,
      {
        requests: new Counter({
          name: `etcd_backend_${kind}_requests`,
          help: `Requests to etcd: ${kind}`,
          registers,
        }),
        seconds: new Histogram({
          name: `etcd_backend_${kind}_seconds`,
          help: `How long requests to etcd take: ${kind}`,
          buckets: BUCKETS,
          registers,
        }),
      },
    ]),
  );
  return (verb, took) => {
    const metrics = of.get(ETCD_KIND_OF[verb]);
    metrics?.requests.inc();
    metrics?.seconds.observe(took);
  };
}

/** Makes a thing when it is asked for first, and only once. */
function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
