/** What the storage and its writer thread say to each other. Everything here survives a structured clone. */
import type { ErrorCode } from "@teleport/plugin";
import type { SyncMode } from "./settings.js";

/** One write. `nowMs` is the storage's clock when it was asked for: expiry is judged by it. */
export type WriteRequest = { readonly nowMs: number } & (
  | {
      readonly verb: "create" | "put";
      readonly key: string;
      readonly value: Uint8Array;
      readonly expiresMs?: number;
    }
  | {
      readonly verb: "update" | "compareAndSwap";
      readonly key: string;
      readonly value: Uint8Array;
      readonly expiresMs?: number;
      readonly expected?: string;
    }
  | { readonly verb: "keepAlive"; readonly key: string; readonly expiresMs: number }
  | { readonly verb: "delete"; readonly key: string; readonly expected?: string }
  | { readonly verb: "deleteRange"; readonly start: string; readonly end: string }
  /** Removes expired items, a bounded number of them. */
  | { readonly verb: "sweep" }
  /** Forgets changes recorded at or before this time. */
  | { readonly verb: "purge"; readonly untilMs: number }
);

/** An error as it crosses the thread boundary. */
export interface WriteFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** The outcome of one request: the new revision or a count, or why it failed. */
export type WriteResult =
  { readonly revision: string } | { readonly count: number } | { readonly failure: WriteFailure };

/** How the writer thread opens the database (its `workerData`). */
export interface WriterOptions {
  readonly file: string;
  readonly sync: SyncMode;
  readonly busyTimeoutMs: number;
  /** Whether changes are recorded for watches. */
  readonly events: boolean;
}

/** To the writer thread. */
export type ToWriter =
  { readonly type: "batch"; readonly requests: readonly WriteRequest[] } | { readonly type: "close" };

/** From the writer thread. */
export type FromWriter =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly failure: WriteFailure }
  | { readonly type: "done"; readonly results: readonly WriteResult[] };
