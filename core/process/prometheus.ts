/** The metrics of the daemon in Prometheus' format, under the names of 4.2 (features.md §11.4). */
import { collectDefaultMetrics, Counter, exponentialBuckets, Gauge, Histogram, Registry } from "prom-client";
import type { Metrics } from "./metrics.js";
import type { StorageHealth } from "../storage/storage-health.js";
import type { ProcessState } from "./diagnostics.js";
import { createStorageMetrics } from "./storage-metrics.js";

/** Values of `process_state`. */
const STATES: Readonly<Record<ProcessState, number>> = { ok: 0, degraded: 2, starting: 3 };

/** Makes a registry and what fills it. */
export function createPrometheus(state: () => ProcessState): { registry: Registry; metrics: Metrics } {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const active = new Gauge({
    name: "auth_generate_requests",
    help: "Certificate requests that are under way",
    registers,
  });
  const requests = new Counter({
    name: "auth_generate_requests_total",
    help: "Certificate requests since the start",
    registers,
  });
  const seconds = new Histogram({
    name: "auth_generate_seconds",
    help: "How long certificate requests take",
    buckets: exponentialBuckets(0.001, 2, 16),
    registers,
  });
  const auditFailures = new Counter({
    name: "audit_failed_emit_events",
    help: "Audit events that could not be recorded",
    registers,
  });
  const pluginEvents = new Counter({
    name: "plugin_events_total",
    help: "What happened between a plugin and the service behind it: retried, throttled, reconnected",
    labelNames: ["plugin", "event"],
    registers,
  });
  const storageMoves = new Counter({
    name: "storage_moves_total",
    help: "Moves of the cluster to another storage that this auth server has led, by outcome: moved or failed",
    labelNames: ["outcome"],
    registers,
  });
  const reloads = new Counter({
    name: "reloads_total",
    help: "Reloads of teleport.yaml by outcome: applied or failed",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of ["moved", "failed"]) storageMoves.inc({ outcome }, 0);
  for (const outcome of ["applied", "failed"]) reloads.inc({ outcome }, 0);
  const sessionCounts: (() => number)[] = [];
  const clusters = new Map<string, () => boolean>();
  new Gauge({
    name: "server_interactive_sessions_total",
    help: "Interactive sessions that are open",
    registers,
    collect() {
      this.set(sessionCounts.reduce((sum, count) => sum + count(), 0));
    },
  });
  new Gauge({
    name: "remote_clusters",
    help: "Whether the services of this process are connected to the cluster",
    labelNames: ["cluster"],
    registers,
    collect() {
      for (const [cluster, isConnected] of clusters) this.set({ cluster }, isConnected() ? 1 : 0);
    },
  });
  const storages: StorageHealth[] = [];
  new Gauge({
    name: "auth_storage_available",
    help: "1 while the storage answers; 0 while reads are answered from a replica and changes are refused",
    registers,
    collect() {
      if (storages.length > 0)
        this.set(storages.every((health) => health.staleSince() === undefined) ? 1 : 0);
      else this.reset();
    },
  });
  new Gauge({
    name: "process_state",
    help: "0 ok, 1 recovering, 2 degraded, 3 starting",
    registers,
    collect() {
      this.set(STATES[state()]);
    },
  });
  return {
    registry,
    metrics: {
      certificateRequested() {
        requests.inc();
        active.inc();
        const observe = seconds.startTimer();
        return () => {
          active.dec();
          observe();
        };
      },
      watchStorage: (health) => void storages.push(health),
      auditFailed: () => auditFailures.inc(),
      countInteractiveSessions: (count) => void sessionCounts.push(count),
      watchCluster: (name, isConnected) => {
        const known = clusters.get(name);
        clusters.set(name, () => isConnected() && (known?.() ?? true));
      },
      storageMoved: (outcome) => storageMoves.inc({ outcome }),
      reloaded: (outcome) => reloads.inc({ outcome }),
      ofPlugin: (plugin) => ({ count: (event, times = 1) => pluginEvents.inc({ plugin, event }, times) }),
      ofStorage: createStorageMetrics(registry),
    },
  };
}
