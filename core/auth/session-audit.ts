/** Audit events and recordings that hosts send. */
import type { PendingAuditEvent } from "../audit/catalogue.js";
import { auditEvent, LAST_EVENT_INDEX } from "../audit/catalogue.js";
import { accessDenied, badParameter, hasCode } from "../errors/error.js";
import type { AuditEvent } from "../plugin/audit.js";
import type { RecordingStore } from "../plugin/recording.js";
import { checkedArchive } from "../recording/archive-check.js";
import type { Playback } from "../recording/playback.js";
import type { NamespaceStore } from "../resources/namespaces.js";
import { formatTime } from "../resources/rfc3339.js";
import type { AuditTrail } from "./audit-trail.js";
import type { EventSearch, SessionSlice } from "./client/api.js";

const DEFAULT_SEARCH_LIMIT = 500;
const MAX_SEARCH_LIMIT = 10_000;
/** The only slice version that 4.x hosts send. */
const SLICE_VERSION = 3;

/** Where recordings are kept and read back. */
export interface Recordings {
  readonly store: RecordingStore;
  readonly playback: Playback;
}

/** Takes what hosts report about sessions. `hostId` is the reporting host's: it can speak for no other. */
export interface SessionAudit {
  emit(event: PendingAuditEvent, hostId: string): Promise<void>;
  slice(slice: SessionSlice, hostId: string): Promise<void>;
  /** Throws `bad_parameter` for what is no recording of this session by this host. */
  upload(sessionId: string, archive: AsyncIterable<Uint8Array>, hostId: string): Promise<void>;
  search(search: EventSearch): Promise<{ events: AuditEvent[]; next?: string | undefined }>;
}

/** Audit and recordings over the cluster's audit log and recording store. */
export function createSessionAudit(context: {
  readonly audit: AuditTrail;
  readonly recordings: Recordings;
  readonly namespaces: NamespaceStore;
}): SessionAudit {
  const { audit, recordings, namespaces } = context;
  return {
    async emit(event, hostId) {
      requireOwnEvent(event, hostId);
      await audit.emit(event);
    },
    async slice({ namespace, sessionId, chunks, version }, hostId) {
      if (version !== SLICE_VERSION) {
        throw badParameter(`session slices of version ${version} are not understood`);
      }
      const events = chunks.map((chunk) => ({
        ...parseEvent(chunk.data),
        event: chunk.eventType,
        sid: sessionId,
        namespace: namespace || "default",
        ei: chunk.eventIndex,
        time: formatTime(new Date(Number(chunk.timeUnixNs / 1_000_000n))),
      }));
      for (const event of events) {
        requireOwnEvent(event, hostId);
      }
      for (const event of events) {
        await audit.emit(event);
      }
    },
    async upload(sessionId, archive, hostId) {
      await requireOwnRecording(recordings.playback, sessionId, hostId);
      const stored = await recordings.store.upload(
        sessionId,
        checkedArchive(archive, {
          sessionId,
          serverId: hostId,
          namespaces: (await namespaces.list()).map(({ metadata }) => metadata.name),
        }),
      );
      await recordings.playback.forget(sessionId);
      await audit.emit(
        auditEvent("sessionUpload", "success", { sid: sessionId, url: stored.url, ei: LAST_EVENT_INDEX }),
      );
    },
    async search({ from, to, types, limit, order, cursor }) {
      const page = await audit.search({
        from,
        to,
        ...(types === undefined ? {} : { types }),
        order: order ?? "oldest-first",
        limit: Math.min(limit || DEFAULT_SEARCH_LIMIT, MAX_SEARCH_LIMIT),
        cursor,
      });
      return { events: [...page.events], next: page.next };
    },
  };
}

function requireOwnEvent(event: PendingAuditEvent, hostId: string): void {
  const serverId = event["server_id"];
  if (serverId !== undefined && serverId !== hostId) {
    throw accessDenied("failed to validate event: its server_id is not the sender's");
  }
}

/** An upload may be repeated, but by nobody else: a host must not replace what another recorded. */
async function requireOwnRecording(playback: Playback, sessionId: string, hostId: string): Promise<void> {
  try {
    const events = await playback.events(sessionId);
    const recordedBy = events.find((event) => event["server_id"] !== undefined)?.["server_id"];
    if (recordedBy !== undefined && recordedBy !== hostId) {
      throw accessDenied(`the session ${sessionId} was recorded by another host`);
    }
  } catch (error) {
    if (!hasCode(error, "not_found")) {
      throw error;
    }
  }
}

function parseEvent(data: Uint8Array): PendingAuditEvent {
  let event: unknown;
  try {
    event = JSON.parse(Buffer.from(data).toString("utf8"));
  } catch (cause) {
    throw badParameter("a session slice holds an event that is not JSON", { cause });
  }
  if (typeof event !== "object" || event === null || typeof (event as PendingAuditEvent).code !== "string") {
    throw badParameter("a session slice holds an event without a code");
  }
  return event as PendingAuditEvent;
}
