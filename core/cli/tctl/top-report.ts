/** The tables of `tctl top` (features.md §2.7). */
import { hostname } from "node:os";
import { longTime } from "../human-time.js";
import { headlessTable, table } from "../table.js";
import type { Sample, Snapshot } from "./prometheus-text.js";

/** The pages, by the key that shows each. */
export const PAGES = { "1": "Common", "2": "Backend Stats", "3": "Cache Stats" } as const;
/** A key that shows a page. */
export type Page = keyof typeof PAGES;

/** What a page shows. */
export interface TopData {
  readonly current: Snapshot;
  /** The one before, which rates are counted from; absent at first. */
  readonly previous: Snapshot | undefined;
}

const PERCENTILES = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1];
const TOP_REQUESTS = 10;
const MIB = 1024 * 1024;
const UNKNOWN = "-";

/** Lays a page out. `hint` follows the head line. */
export function topPage(page: Page, data: TopData, hint = ""): string {
  const head = `Report Generated at ${longTime(data.current.at)} for host ${hostname()}.${hint && ` ${hint}`}`;
  const component = page === "2" ? "backend" : "cache";
  const blocks = page === "1" ? commonBlocks(data) : storageBlocks(data, component);
  return [head, ...blocks].join("\n\n");
}

function commonBlocks(data: TopData): string[] {
  const { current } = data;
  const clusters = current
    .all("remote_clusters")
    .map(({ labels, value }) => [
      `Cluster ${labels["cluster"] ?? ""}`,
      value === 1 ? "connected" : "disconnected",
    ]);
  const mib = (name: string): string =>
    shown(current.sum(name), (bytes) => `${(bytes / MIB).toFixed(1)} MiB`);
  return [
    block("Cluster Stats", [
      ["Interactive Sessions", shown(current.sum("server_interactive_sessions_total"))],
      ["Cert Gen Active Requests", shown(current.sum("auth_generate_requests"))],
      ["Cert Gen Requests/sec", rate(data, "auth_generate_requests_total")],
      ["Cert Gen Throttled Requests/sec", rate(data, "auth_generate_requests_throttled_total")],
      ["Auth Watcher Queue Size", shown(current.sum("backend_watcher_queues_total"))],
      ["Audit Events Not Recorded", shown(current.sum("audit_failed_emit_events"))],
      ...clusters,
    ]),
    block("Process Stats", [
      ["Start Time", shown(current.sum("process_start_time_seconds"), (s) => longTime(new Date(s * 1000)))],
      ["Resident Memory Bytes", mib("process_resident_memory_bytes")],
      ["Open File Descriptors", shown(current.sum("process_open_fds"))],
      ["CPU Seconds Total", shown(current.sum("process_cpu_seconds_total"), (s) => s.toFixed(2))],
      ["Max File Descriptors", shown(current.sum("process_max_fds"))],
    ]),
    block("Runtime Stats", [
      ["Heap Used", mib("nodejs_heap_size_used_bytes")],
      ["Heap Total", mib("nodejs_heap_size_total_bytes")],
      ["Event Loop Lag", shown(current.sum("nodejs_eventloop_lag_seconds"), milliseconds)],
      ["Active Resources", shown(current.sum("nodejs_active_resources_total"))],
    ]),
    histogram("Generate Certificates Histogram", current.all("auth_generate_seconds_bucket")),
  ];
}

function storageBlocks(data: TopData, component: string): string[] {
  const { current, previous } = data;
  const of = (snapshot: Snapshot | undefined, name: string): Sample[] =>
    (snapshot?.all(name) ?? []).filter(({ labels }) => labels["component"] === component);
  const before = new Map(
    of(previous, "backend_requests").map((sample) => [requestKey(sample), sample.value]),
  );
  const requests = of(current, "backend_requests")
    .sort((a, b) => b.value - a.value)
    .slice(0, TOP_REQUESTS)
    .map((sample) => [
      String(sample.value),
      perSecond({ current, previous }, sample.value, before.get(requestKey(sample)) ?? 0),
      sample.labels["range"] ?? "",
      sample.labels["req"] ?? "",
    ]);
  const latencies = (["read", "batch_read", "write", "batch_write"] as const).map((kind) =>
    histogram(`${component} ${kind.replace("_", " ")}`, of(current, `backend_${kind}_seconds_bucket`)),
  );
  const top =
    requests.length === 0
      ? "No requests are counted by this daemon; start it with --debug."
      : table(["Count", "Req/Sec", "Range", "Key"], requests).trimEnd();
  const ours = component === "backend" ? [storageOverview(data)] : [];
  return [...ours, `Top ${component} requests\n${top}`, ...latencies];
}

/** What no 4.2 shows: how each backend fares, and which of its operations fail. */
function storageOverview(data: TopData): string {
  const { current } = data;
  const operations = current.all("backend_operations_total");
  if (operations.length === 0) return block("Storage", [["Operations", "none are counted by this daemon"]]);
  const requests = ["read", "batch_read", "write", "batch_write"] as const;
  const failed = requests.map((kind) => `backend_${kind}_requests_failed_total`);
  const backends = [...new Set(operations.map(({ labels }) => labels["backend"] ?? ""))];
  return block("Storage", [
    ["Backend", backends.join(", ")],
    ["Operations/sec", rate(data, "backend_operations_total")],
    ["Failed Operations/sec", rate(data, ...failed)],
    ["Failed Operations", shown(sumOf(current, failed))],
    ...outcomes(operations),
    ["Slow Operations", String(current.sum("backend_slow_operations_total") ?? 0)],
    ["Watches", shown(current.sum("backend_watchers_total"))],
    ["Watch Resets", shown(current.sum("backend_watch_resets_total"))],
    ...current
      .all("plugin_events_total")
      .filter(({ labels }) => labels["plugin"]?.startsWith("storage."))
      .map(({ labels, value }) => [`${labels["plugin"]} ${labels["event"] ?? ""}`, String(value)]),
  ]);
}

/** How many operations ended in each error that says something about the store. */
function outcomes(operations: readonly Sample[]): string[][] {
  const counts = new Map<string, number>();
  for (const { labels, value } of operations) {
    const outcome = labels["outcome"] ?? "";
    if (outcome !== "ok") counts.set(outcome, (counts.get(outcome) ?? 0) + value);
  }
  return [...counts].sort().map(([outcome, count]) => [`Outcome ${outcome}`, String(count)]);
}

/** The sum of several metrics; undefined where none of them is there. */
function sumOf(snapshot: Snapshot, names: readonly string[]): number | undefined {
  const values = names.flatMap((name) => snapshot.sum(name) ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

function requestKey({ labels }: Sample): string {
  return `${labels["range"] ?? ""} ${labels["req"] ?? ""}`;
}

/** The bound that each share of the observations lies below, from a histogram's cumulative buckets. */
function histogram(title: string, buckets: readonly Sample[]): string {
  const bounds = buckets
    .map(({ labels, value }) => ({ bound: Number((labels["le"] ?? "").replace("+Inf", "Infinity")), value }))
    .sort((a, b) => a.bound - b.bound);
  const total = bounds.at(-1)?.value ?? 0;
  if (total === 0) return `${title}\nNothing was measured yet.`;
  const rows = PERCENTILES.map((share) => {
    const bound = bounds.find(({ value }) => value >= share * total)?.bound ?? Infinity;
    return [`${share * 100}%`, bound === Infinity ? "longer" : milliseconds(bound)];
  });
  return `${title}\n${table(["Percentile", "Latency"], rows).trimEnd()}`;
}

function block(title: string, rows: readonly (readonly string[])[]): string {
  return `${title}\n${headlessTable(rows).trimEnd()}`;
}

function shown(value: number | undefined, format: (value: number) => string = String): string {
  return value === undefined ? UNKNOWN : format(value);
}

function rate(data: TopData, ...names: string[]): string {
  const now = sumOf(data.current, names);
  const before = data.previous && sumOf(data.previous, names);
  return now === undefined ? UNKNOWN : perSecond(data, now, before ?? 0);
}

/** Unknown without an earlier value; a counter that has fallen began anew, with its daemon. */
function perSecond({ current, previous }: TopData, now: number, before: number): string {
  if (previous === undefined) return UNKNOWN;
  const seconds = (current.at.getTime() - previous.at.getTime()) / 1000;
  return seconds <= 0 ? UNKNOWN : ((now >= before ? now - before : now) / seconds).toFixed(1);
}

function milliseconds(seconds: number): string {
  return `${Number((seconds * 1000).toPrecision(3))} ms`;
}
