/** The cluster's audit log: gives every event to every sink, and keeps the promise of the audit policy. */
import { errorChain, notImplemented, unavailable } from "../errors/error.js";
import {
  isSearchable,
  type AuditEvent,
  type AuditPage,
  type AuditQuery,
  type AuditSink,
} from "../plugin/audit.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { PendingAuditEvent } from "./catalogue.js";
import { normaliseEvent } from "./normalise.js";
import { SpillQueue } from "./spill-queue.js";

/** What becomes of an event that a sink refuses: `strict` fails the caller, `best_effort` keeps it on disk. */
export type AuditPolicy = "strict" | "best_effort";

/** A sink with the name that messages and spill files use, such as `audit.file`. Of two that share it, the later is `audit.file-2`. */
export interface NamedSink {
  readonly name: string;
  readonly sink: AuditSink;
}

/** What an audit log needs. It does not own the sinks: whoever made them closes them, after the log. */
export interface AuditLogOptions {
  readonly sinks: readonly NamedSink[];
  readonly policy: AuditPolicy;
  readonly log: Logger;
  readonly clock: Clock;
  /** Where `best_effort` keeps what a sink could not take, one file per sink. Created when first needed. */
  readonly spillDir: string;
  /** How long a sink may take; 30 s when absent. */
  readonly timeoutMs?: number | undefined;
}

/** The audit log. All methods may be called concurrently. */
export interface AuditLog {
  /**
   * Records an event, adding `uid` and `time`. Returns when it is durable in all sinks (under `best_effort`: or in a
   * spill file). Throws `bad_parameter` for a malformed event, else `unavailable` naming the sinks that failed; the
   * others have it then, so repeat it only with the same `uid`.
   */
  emit(event: PendingAuditEvent): Promise<void>;
  /** Searches the first sink that can be searched. Throws `not_implemented` where none can. */
  search(query: AuditQuery): Promise<AuditPage>;
  /** Waits for the events under way and stops the retries; what is spilled stays for the next start. Idempotent. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Makes an audit log. Events left in spill files by an earlier run are delivered in the background. */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  return new FanOutLog(options);
}

interface Outlet {
  readonly name: string;
  readonly sink: AuditSink;
  readonly spill: SpillQueue;
}

class FanOutLog implements AuditLog {
  readonly #options: AuditLogOptions;
  readonly #outlets: readonly Outlet[];
  readonly #underWay = new Set<Promise<void>>();
  #closed = false;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#outlets = distinctNames(options.sinks).map(({ name, sink }) => ({
      name,
      sink,
      spill: new SpillQueue({
        name,
        directory: options.spillDir,
        deliver: (batch) => this.#bounded(name, sink.emit(batch)),
        clock: options.clock,
        log: options.log,
      }),
    }));
  }

  emit(pending: PendingAuditEvent): Promise<void> {
    const emitting = this.#emit(pending);
    const settled = emitting.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay.add(settled);
    void settled.then(() => this.#underWay.delete(settled));
    return emitting;
  }

  async search(query: AuditQuery): Promise<AuditPage> {
    for (const { sink } of this.#outlets) {
      if (isSearchable(sink)) return sink.search(query);
    }
    throw notImplemented("no audit sink can be searched; add a file:// entry to audit_events_uri");
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#underWay);
    await Promise.all(this.#outlets.map(({ spill }) => spill.close()));
  }

  async #emit(pending: PendingAuditEvent): Promise<void> {
    if (this.#closed) throw unavailable("the audit log is closed");
    const event = normaliseEvent(pending, this.#options.clock.now());
    const results = await Promise.allSettled(this.#outlets.map((outlet) => this.#deliver(outlet, event)));
    const failures = results.flatMap((result, i) =>
      result.status === "rejected" ? [{ name: this.#outlets[i]?.name, error: result.reason as unknown }] : [],
    );
    if (failures.length === 0) return;
    const names = failures.map(({ name }) => name).join(", ");
    throw unavailable(`the audit event ${event.event} cannot be recorded: ${names} failed`, {
      cause: failures[0]?.error,
      context: { uid: event.uid, errors: failures.map(({ error }) => errorChain(error)) },
    });
  }

  async #deliver({ name, sink, spill }: Outlet, event: AuditEvent): Promise<void> {
    const spills = this.#options.policy === "best_effort";
    // Behind a backlog an event waits its turn, rather than for the time-out of a sink known to fail.
    if (spills && (await spill.hasBacklog())) return spill.add(event);
    try {
      await this.#bounded(name, sink.emit([event]));
    } catch (error) {
      if (!spills) throw error;
      this.#options.log.warn("audit sink failed; the event is kept on disk and sent again", {
        sink: name,
        uid: event.uid,
        error: errorChain(error),
      });
      await spill.add(event);
    }
  }

  /** A sink that hangs must not hold a session for ever. */
  async #bounded(name: string, emitting: Promise<void>): Promise<void> {
    const { clock, timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const done = new AbortController();
    const timeout = clock.sleep(timeoutMs, done.signal).then(
      () => {
        throw unavailable(`the audit sink ${name} did not answer within ${timeoutMs} ms`);
      },
      () => undefined,
    );
    try {
      await Promise.race([emitting, timeout]);
    } finally {
      done.abort();
    }
  }
}

/** Two sinks must not share a spill file: one would take what the other failed to deliver. */
function distinctNames(sinks: readonly NamedSink[]): NamedSink[] {
  const uses = new Map<string, number>();
  return sinks.map(({ name, sink }) => {
    const use = (uses.get(name) ?? 0) + 1;
    uses.set(name, use);
    return { name: use === 1 ? name : `${name}-${use}`, sink };
  });
}
