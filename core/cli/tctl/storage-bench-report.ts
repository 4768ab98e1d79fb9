/** The text of `tctl storage bench`: what was measured beside what is normal, and what to do where it is not. */
import type {
  StorageBenchPhase,
  StorageBenchPhaseName,
  StorageBenchReport,
} from "../../resources/storage-bench.js";
import { table } from "../table.js";
import { terminalText } from "../terminal-text.js";

const NAMES: Readonly<Record<StorageBenchPhaseName, string>> = {
  write_latency: "one write",
  put: "writes",
  get: "reads",
  range: "range",
  compare_and_swap: "read and swap",
  watch: "write to event",
};

/** Below these the p99, in milliseconds, is normal for 1 KiB values and 8 operations in flight. */
const NORMAL: Readonly<Record<string, Readonly<Record<StorageBenchPhaseName, number>>>> = {
  dir: { write_latency: 25, put: 30, get: 5, range: 100, compare_and_swap: 40, watch: 50 },
  etcd: { write_latency: 25, put: 40, get: 15, range: 150, compare_and_swap: 60, watch: 50 },
  dynamodb: { write_latency: 40, put: 60, get: 25, range: 500, compare_and_swap: 80, watch: 1_500 },
};
/** A disk that a cluster can work with syncs faster; it is also what etcd asks for. */
const SLOW_SYNC_MS = 10;
/** Where the disk is whose sync each write waits for. */
const DISK: Readonly<Record<string, string>> = {
  dir: "put storage.path on a local SSD that nothing else writes to",
  etcd: "give the etcd servers local SSDs that nothing else writes to",
};
const UNKNOWN = "-";

/** Lays the report out. Ends with a newline. */
export function storageBenchText(report: StorageBenchReport): string {
  const { backend, server, value_bytes: bytes, range_items: items, phases } = report;
  const normal = Object.hasOwn(NORMAL, backend) ? NORMAL[backend] : undefined;
  const rows = phases.map((phase) => [
    phase.name === "range" ? `${NAMES.range} of ${items}` : (NAMES[phase.name] ?? phase.name),
    String(phase.in_flight),
    String(phase.count),
    String(phase.failed),
    `${Math.round(phase.per_second)}${phase.name === "range" ? " items" : ""}`,
    milliseconds(phase.p50_ms),
    milliseconds(phase.p99_ms),
    milliseconds(phase.max_ms),
    normal === undefined ? UNKNOWN : `< ${milliseconds(normal[phase.name])}`,
  ]);
  const head = [
    "Measured",
    "In flight",
    "Done",
    "Failed",
    "Per second",
    "p50",
    "p99",
    "Longest",
    "Normal p99",
  ];
  const title = terminalText(
    `Storage ${backend}, from the auth server ${server}, with values of ${bytes} bytes`,
  );
  return [
    `${title}\n\n${table(head, rows)}`,
    ...warnings(report).map((text) => `WARNING: ${terminalText(text)}\n`),
  ].join("\n");
}

/** What is wrong, one line each. */
export function warnings({ backend, phases }: StorageBenchReport): string[] {
  const normal = Object.hasOwn(NORMAL, backend) ? NORMAL[backend] : undefined;
  const failures = phases
    .filter(({ failed }) => failed > 0)
    .map(({ name, failed, error }) => `${failed} of ${NAMES[name]} failed: ${error ?? "no reason is known"}`);
  const write = phases.find(({ name }) => name === "write_latency")?.p50_ms;
  const disk = Object.hasOwn(DISK, backend) ? DISK[backend] : undefined;
  const slowSync =
    disk !== undefined && write !== undefined && write > SLOW_SYNC_MS
      ? [`a write waits ${milliseconds(write)} for the disk, which is slow (fsync): ${disk}`]
      : [];
  const slow = phases.filter((phase) => isSlow(phase, normal?.[phase.name])).map(({ name }) => NAMES[name]);
  return [
    ...failures,
    ...slowSync,
    ...(slow.length > 0
      ? [
          `slower than normal: ${slow.join(", ")}; measure again when the cluster is quiet, to tell load from a slow store`,
        ]
      : []),
  ];
}

function isSlow({ p99_ms }: StorageBenchPhase, limitMs: number | undefined): boolean {
  return p99_ms !== undefined && limitMs !== undefined && p99_ms > limitMs;
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? UNKNOWN : `${Number(value.toPrecision(3))} ms`;
}
