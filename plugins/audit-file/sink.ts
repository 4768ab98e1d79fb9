import {
  unavailable,
  type AuditEvent,
  type AuditPage,
  type AuditQuery,
  type Clock,
  type Logger,
  type SearchableAuditSink,
} from "@teleport/plugin";
import { auditLine } from "./audit-line.js";
import { fileDay, type Day } from "./day-file.js";
import { DayWriter } from "./day-writer.js";
import type { LogDirectory } from "./log-directory.js";
import { searchLog } from "./search.js";

/** What a sink needs. */
export interface FileSinkOptions extends LogDirectory {
  readonly clock: Clock;
  readonly log: Logger;
}

/** The sink over daily files. */
export interface FileAuditSink extends SearchableAuditSink {
  /** Opens the log and mends what a crash left. Throws `unavailable` naming the path. */
  start(): Promise<void>;
}

/** Makes a sink. Nothing is touched before `start` or the first event. */
export function createFileAuditSink(options: FileSinkOptions): FileAuditSink {
  return new GroupCommitSink(options);
}

interface Pending {
  readonly batch: readonly AuditEvent[];
  resolve(): void;
  reject(error: unknown): void;
}

/** Events that one write and sync take together. */
const MAX_GROUP_EVENTS = 4096;

/** One loop writes: whatever arrives during a sync shares the next one. */
class GroupCommitSink implements FileAuditSink {
  readonly #options: FileSinkOptions;
  readonly #writer: DayWriter;
  #queue: Pending[] = [];
  #committing: Promise<void> | undefined;
  #closed = false;

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#writer = new DayWriter(options, options.clock, options.log);
  }

  async start(): Promise<void> {
    await this.#writer.start();
  }

  emit(batch: readonly AuditEvent[]): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable("the audit log is closed"));
    if (batch.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, resolve, reject });
      this.#committing ??= this.#commitAll();
    });
  }

  search(query: AuditQuery): Promise<AuditPage> {
    return searchLog(this.#options.directory, query, this.#options.log);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#committing;
    await this.#writer.close();
  }

  async #commitAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#takeGroup();
      try {
        for (const [day, lines] of this.#linesByDay(group)) await this.#writer.append(day, lines);
        for (const pending of group) pending.resolve();
      } catch (error) {
        for (const pending of group) pending.reject(error);
      }
    }
    this.#committing = undefined;
  }

  #takeGroup(): Pending[] {
    let events = 0;
    const end = this.#queue.findIndex(({ batch }, i) => (events += batch.length) > MAX_GROUP_EVENTS && i > 0);
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end);
  }

  #linesByDay(group: readonly Pending[]): Map<Day, string> {
    const now = this.#options.clock.now();
    const lines = new Map<Day, string>();
    for (const event of group.flatMap(({ batch }) => batch)) {
      const day = fileDay(new Date(event.time), now);
      lines.set(day, `${lines.get(day) ?? ""}${auditLine(event)}\n`);
    }
    return lines;
  }
}
