/**
 * Which sessions without a recording are open, so that those that the daemon's death cuts off get their `session.end`
 * at the next start. Sessions with a recording get it from the recording's recovery.
 */
import { randomUUID } from "node:crypto";
import type { PendingAuditEvent } from "../audit/catalogue.js";
import type { Logger } from "../plugin/logger.js";
import { ProcessNotes } from "./process-notes.js";

/** The open sessions of the services that have used one directory, which is theirs alone. */
export class OpenSessions {
  readonly #notes: ProcessNotes<PendingAuditEvent>;
  readonly #log: Logger;

  constructor(directory: string, log: Logger) {
    this.#notes = new ProcessNotes({ directory, key: "end", isFact: isEvent, log });
    this.#log = log;
  }

  /** Notes a session with the end that it gets should it be cut off. Never rejects: its start is on record in any case. */
  add(sessionId: string, end: PendingAuditEvent): Promise<void> {
    return this.#notes.add(sessionId, { ...end, uid: randomUUID() });
  }

  /** Forgets a session whose end is on record, and does nothing about one that was not added. Never rejects. */
  remove(sessionId: string): Promise<void> {
    return this.#notes.remove(sessionId);
  }

  /**
   * Audits the ends of sessions whose process has died. Throws what `emit` throws; then the rest is left for the next
   * time.
   */
  recover(emit: (end: PendingAuditEvent) => Promise<void>): Promise<void> {
    return this.#notes.recover(async (end, sessionId) => {
      await emit(end);
      this.#log.warn("a session of an earlier run was cut off", { sid: sessionId });
    });
  }
}

function isEvent(value: unknown): value is PendingAuditEvent {
  const { event, code } = (value ?? {}) as Partial<PendingAuditEvent>;
  return typeof event === "string" && typeof code === "string";
}
