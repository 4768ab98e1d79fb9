import type { BackendName } from "./backend.js";

/** A server, and its client library as it is, to measure a backend against. */
export interface BenchTarget {
  readonly name: BackendName;
  /** For the backend's plugin; JSON, since a second process opens it as well. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly raw: RawClient;
  /** Largest p99 of a change's way to another process. */
  readonly watchBudgetMs: number;
  /** How many operations a round has: enough for half a second or so. */
  readonly sizes: { readonly puts: number; readonly gets: number };
  close(): Promise<void>;
}

/** What the client library does without us, on the same server and as durably. `n` is below 10,000. */
export interface RawClient {
  put(n: number, value: Buffer): unknown;
  get(n: number): unknown;
  /** Reads all items in key order; returns how many there were. */
  range(): number | Promise<number>;
}
