/** What `tctl storage bench` asks for, and what it is told. Ours: 4.2 has none. */

/** A request to measure the cluster's storage. */
export interface StorageBenchRequest {
  /** How long it may take: 1 to 20 s. */
  readonly duration_ms: number;
  /** Operations at a time, in the phases that have several: 1 to 64. */
  readonly in_flight: number;
  /** Size of each value: 1 to 65536. */
  readonly value_bytes: number;
}

/** What is measured, in this order. `write_latency` and `watch` have one write under way at a time. */
export type StorageBenchPhaseName = "write_latency" | "put" | "get" | "range" | "compare_and_swap" | "watch";

/** What one phase gave. Times are milliseconds; those of `watch` run from the call of the write to its event. */
export interface StorageBenchPhase {
  readonly name: StorageBenchPhaseName;
  readonly in_flight: number;
  /** Operations that succeeded: whole ranges, and events that have come. */
  readonly count: number;
  readonly failed: number;
  /** Why the first one failed. */
  readonly error?: string;
  /** Items of ranges, operations of all else. */
  readonly per_second: number;
  /** Absent where nothing succeeded. */
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  readonly max_ms?: number;
}

/** The whole measurement. */
export interface StorageBenchReport {
  /** The type of the backend, as `storage.type` says. */
  readonly backend: string;
  /** The name of the auth server's host, where all of this was measured. */
  readonly server: string;
  readonly value_bytes: number;
  /** Items of each range. */
  readonly range_items: number;
  readonly phases: readonly StorageBenchPhase[];
}
