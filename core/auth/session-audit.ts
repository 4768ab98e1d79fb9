/** Audit events and recordings that hosts send. */
import { createHash } from "node:crypto";
import type { PendingAuditEvent } from "../audit/catalogue.js";
import { auditEvent, LAST_EVENT_INDEX } from "../audit/catalogue.js";
import { accessDenied, badParameter, hasCode, type CodedError } from "../errors/error.js";
import type { AuditEvent } from "../plugin/audit.js";
import type { Clock } from "../plugin/clock.js";
import type { RecordingStore, StoredRecording } from "../plugin/recording.js";
import { checkedArchive } from "../recording/archive-check.js";
import type { Playback } from "../recording/playback.js";
import type { NamespaceStore } from "../resources/namespaces.js";
import { formatTime } from "../resources/rfc3339.js";
import type { AuditTrail } from "./audit-trail.js";
import type { EventSearch, SessionSlice } from "./client/api.js";
import { attributedEvent, sessionOf } from "./host-events.js";
import { createKeyedMutex } from "./keyed-mutex.js";
import type { SessionClaims } from "./session-claims.js";

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
  /**
   * Throws `access_denied` for an event of another host, of another host's session, or of a kind that is none of the
   * hosts', and for the start of a session that has a recording.
   */
  emit(event: PendingAuditEvent, hostId: string): Promise<void>;
  /** Throws like {@link emit}; then none of the events is taken. */
  slice(slice: SessionSlice, hostId: string): Promise<void>;
  /**
   * Stores a recording; the same one may be sent again. Throws `bad_parameter` for what is no recording of this session
   * by this host, and `access_denied` where the session is another host's or there is another recording under the id.
   */
  upload(sessionId: string, archive: AsyncIterable<Uint8Array>, hostId: string): Promise<void>;
  /** Claims the session for the host. Throws `access_denied` where it is another's. */
  requireOwnSession(sessionId: string, hostId: string): Promise<void>;
  search(search: EventSearch): Promise<{ events: AuditEvent[]; next?: string | undefined }>;
}

/** Audit and recordings over the cluster's audit log and recording store. */
export function createSessionAudit(context: {
  readonly audit: AuditTrail;
  readonly recordings: Recordings;
  readonly namespaces: NamespaceStore;
  readonly claims: SessionClaims;
  readonly clock: Clock;
}): SessionAudit {
  const { audit, recordings, namespaces, claims, clock } = context;
  const uploads = createKeyedMutex();

  const notOwn = (sessionId: string, hostId: string): CodedError =>
    accessDenied(`the session ${sessionId} is not one of the sender's`, { context: { hostId } });
  const requireOwnSession = async (sessionId: string, hostId: string): Promise<void> => {
    if (!(await claims.claim(sessionId, hostId))) throw notOwn(sessionId, hostId);
  };

  /** The event as it is logged. */
  const accept = async (reported: PendingAuditEvent, hostId: string): Promise<PendingAuditEvent> => {
    const event = attributedEvent(reported, hostId, clock.now());
    const sid = sessionOf(event);
    if (sid === undefined) {
      return event;
    }
    await requireOwnSession(sid, hostId);
    // Clients choose session ids: an old one would give its recording to a new session.
    if (event.event === "session.start" && (await recordings.playback.exists(sid))) {
      throw alreadyRecorded(sid);
    }
    return event;
  };

  /** Stores an archive where there is none; returns what is stored under the id then. */
  const store = async (sessionId: string, archive: AsyncIterable<Uint8Array>): Promise<StoredRecording> => {
    if (await recordings.playback.exists(sessionId)) {
      return requireSame(recordings.store, sessionId, archive);
    }
    const stored = await recordings.store.upload(sessionId, archive);
    await recordings.playback.forget(sessionId);
    return stored;
  };

  return {
    requireOwnSession,
    async emit(event, hostId) {
      await audit.emit(await accept(event, hostId));
    },
    async slice({ namespace, sessionId, chunks, version }, hostId) {
      if (version !== SLICE_VERSION) {
        throw badParameter(`session slices of version ${version} are not understood`);
      }
      const reported = chunks.map((chunk) => ({
        ...parseEvent(chunk.data),
        event: chunk.eventType,
        sid: sessionId,
        namespace: namespace || "default",
        ei: chunk.eventIndex,
        time: formatTime(new Date(Number(chunk.timeUnixNs / 1_000_000n))),
      }));
      const events: PendingAuditEvent[] = [];
      for (const event of reported) {
        events.push(await accept(event, hostId));
      }
      for (const event of events) {
        await audit.emit(event);
      }
    },
    async upload(sessionId, archive, hostId) {
      const expected = {
        sessionId,
        serverId: hostId,
        namespaces: (await namespaces.list()).map(({ metadata }) => metadata.name),
      };
      const checked = (async function* () {
        yield* checkedArchive(archive, expected);
        // Asked at the end, so that an archive which is refused claims no session.
        if (!(await claims.claimForGood(sessionId, hostId))) throw notOwn(sessionId, hostId);
      })();
      const stored = await uploads.run(sessionId, () => store(sessionId, checked));
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

/** An upload is repeated when its answer was lost; anything else under the same id would replace evidence. */
async function requireSame(
  store: RecordingStore,
  sessionId: string,
  archive: AsyncIterable<Uint8Array>,
): Promise<StoredRecording> {
  const digest = createHash("sha256");
  for await (const chunk of archive) {
    digest.update(chunk);
  }
  const stored = await store.stat(sessionId).catch((error: unknown) => {
    // One that 4.2 left unpacked cannot be compared.
    throw hasCode(error, "not_found") ? alreadyRecorded(sessionId) : error;
  });
  if (stored.sha256 !== digest.digest("hex")) {
    throw alreadyRecorded(sessionId);
  }
  return stored;
}

/** The refusal of a session whose id has a recording. */
export function alreadyRecorded(sessionId: string): CodedError {
  return accessDenied(`a session with the id ${sessionId} is on record already: choose another id`);
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
