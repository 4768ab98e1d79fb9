import type { PendingAuditEvent } from "../audit/catalogue.js";
import type { SshConnection } from "../ssh/contract.js";
import type { Party } from "./party.js";

const REQUEST = "x-teleport-event";

/** Tells parties what happens in their session, as clients of 4.2 know it: an audit event in JSON (wire.md §3.11). */
export function notifyParties(parties: Iterable<Party>, event: PendingAuditEvent, now: Date): void {
  const payload = Buffer.from(JSON.stringify({ ...event, time: now.toISOString() }));
  const connections = new Set<SshConnection>([...parties].map(({ connection }) => connection));
  for (const connection of connections) {
    // A connection that is closing needs no news.
    void connection.globalRequest(REQUEST, false, payload).catch(() => undefined);
  }
}
