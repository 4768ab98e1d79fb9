/** The audit contract: where audit events go and where they are searched. */

/**
 * One audit event: a flat JSON object. `event`, `code`, `time` (RFC 3339, UTC, milliseconds) and `uid` are always
 * set by the emitter before a sink sees it. Field names are those of the 4.2 audit log.
 */
export interface AuditEvent {
  readonly event: string;
  readonly code: string;
  readonly time: string;
  readonly uid: string;
  readonly [field: string]: unknown;
}

/** A page of a search. */
export interface AuditPage {
  readonly events: readonly AuditEvent[];
  /** Where the next page starts; absent at the end. */
  readonly next?: string | undefined;
}

/** What to search for. */
export interface AuditQuery {
  /** Inclusive lower bound of `time`. */
  readonly from: Date;
  /** Inclusive upper bound of `time`. */
  readonly to: Date;
  /** Exact event names; empty means all. */
  readonly types?: readonly string[];
  readonly order: "oldest-first" | "newest-first";
  /** Most events a page may hold. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** A running audit sink. */
export interface AuditSink {
  /** Returns when every event of the batch is durable, or throws; never drops one. May be called concurrently. */
  emit(batch: readonly AuditEvent[]): Promise<void>;
  close(): Promise<void>;
}

/** A sink that can be read back. */
export interface SearchableAuditSink extends AuditSink {
  /** A page is bounded in bytes (1 MiB) as well as by `limit`; one oversized event makes a page of its own. */
  search(query: AuditQuery): Promise<AuditPage>;
}

/** Whether a sink can be searched. */
export function isSearchable(sink: AuditSink): sink is SearchableAuditSink {
  return typeof (sink as Partial<SearchableAuditSink>).search === "function";
}
