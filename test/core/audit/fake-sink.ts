import type { AuditEvent, AuditSink } from "../../../core/plugin/audit.js";

/** A sink that keeps what it is given, and fails for as long as it is told to. */
export class FakeSink implements AuditSink {
  readonly events: AuditEvent[] = [];
  failure: Error | undefined;
  attempts = 0;
  #waiters: (() => void)[] = [];

  async emit(batch: readonly AuditEvent[]): Promise<void> {
    this.attempts++;
    for (const wake of this.#waiters.splice(0)) wake();
    if (this.failure !== undefined) throw this.failure;
    this.events.push(...batch);
  }

  /** Resolves at the next call of `emit`. */
  nextAttempt(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async close(): Promise<void> {}
}
