import {
  silentLogger,
  systemClock,
  type AuditEvent,
  type Clock,
  type Logger,
} from "../../../core/plugin/index.js";
import { createFileAuditSink, type FileAuditSink } from "../../../plugins/audit-file/sink.js";

let made = 0;

/** An event as the emitter hands it to a sink. */
export function event(time: string, fields: Record<string, unknown> = {}): AuditEvent {
  made++;
  return { event: "exec", code: "T3002I", uid: `uid-${made}`, time, ...fields };
}

/** A sink over a folder, with a clock whose sleeps pass at once. */
export function sinkIn(
  folder: string,
  now: () => Date = () => systemClock.now(),
  log: Logger = silentLogger,
): FileAuditSink {
  const clock: Clock = { now, sleep: () => Promise.resolve() };
  return createFileAuditSink({ directory: folder, link: `${folder}/events.log`, clock, log });
}
