/** What a host may report: only events of its own trade, in its own name, and about the present. */
import { fieldsOf, type PendingAuditEvent } from "../audit/catalogue.js";
import { accessDenied, badParameter } from "../errors/error.js";
import { isSessionId } from "../recording/session-id.js";

/**
 * Events of nodes, and of proxies, which do a node's work where they record sessions. Logins, users and uploads are
 * reported by the auth service itself.
 */
const HOST_EVENTS: ReadonlySet<string> = new Set([
  "session.start",
  "session.join",
  "session.leave",
  "session.end",
  "session.rejected",
  "session.data",
  "resize",
  "exec",
  "subsystem",
  "port",
  "x11-forward",
  "scp",
  "sftp",
  "client.disconnect",
  "auth",
]);
/** What nodes of 4.2 report besides, with enhanced recording. */
const ENHANCED_EVENTS: ReadonlySet<string> = new Set([
  "session.command T4000I",
  "session.disk T4001I",
  "session.network T4002I",
]);
/** The end of a session that a crash cut off is reported when its host is back. */
const LONGEST_DELAY_MS = 7 * 24 * 3_600_000;
const CLOCK_SKEW_MS = 5 * 60_000;

/**
 * The event as it is logged: with the host's id, and with the time of its arrival where the time that it carries is
 * none that a host can report. Throws `access_denied` for an event of another host, or of none, and `bad_parameter` for
 * a session id that is none.
 */
export function attributedEvent(event: PendingAuditEvent, hostId: string, now: Date): PendingAuditEvent {
  if (!isHostEvent(event)) {
    throw accessDenied("failed to validate event: hosts do not report events of this kind", {
      context: { event: event.event, code: event.code, hostId },
    });
  }
  const serverId = event["server_id"];
  if (serverId !== undefined && serverId !== hostId) {
    throw accessDenied("failed to validate event: its server_id is not the sender's");
  }
  sessionOf(event);
  const time = event["time"];
  const kept = time === undefined || isPlausible(time, now) ? {} : { time: now.toISOString() };
  return { ...event, server_id: hostId, ...kept };
}

/** The session that an event belongs to; undefined for none. Throws `bad_parameter`. */
export function sessionOf({ sid }: PendingAuditEvent): string | undefined {
  if (sid === undefined || sid === "") {
    return undefined;
  }
  if (typeof sid !== "string" || !isSessionId(sid)) {
    throw badParameter("failed to validate event: its sid is no session id");
  }
  return sid;
}

function isHostEvent({ event, code }: PendingAuditEvent): boolean {
  return HOST_EVENTS.has(event)
    ? fieldsOf(event, code) !== undefined
    : ENHANCED_EVENTS.has(`${event} ${code}`);
}

function isPlausible(time: unknown, now: Date): boolean {
  const ageMs = now.getTime() - Date.parse(String(time));
  return ageMs <= LONGEST_DELAY_MS && ageMs >= -CLOCK_SKEW_MS;
}
