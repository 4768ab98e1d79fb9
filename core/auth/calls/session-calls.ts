import { MAX_CHUNK_BYTES } from "../../recording/playback.js";
import { liveSessionCodec, liveSessionUpdateCodec } from "../../resources/session-codec.js";
import { formatTime } from "../../resources/rfc3339.js";
import type { LiveSession } from "../../resources/session.js";
import type { RuleThing } from "../authorization.js";
import type { AuthApi } from "../client/api.js";
import { maybeElsewhere } from "../recording-elsewhere.js";
import type { CallScope } from "./scope.js";

/** Live sessions, audit events and recordings. */
export function sessionCalls({
  may,
  services,
}: CallScope): Pick<
  AuthApi,
  | "createSession"
  | "updateSession"
  | "getSessions"
  | "getSession"
  | "deleteSession"
  | "emitAuditEvent"
  | "postSessionSlice"
  | "uploadSessionRecording"
  | "appendSessionJournal"
  | "finishSessionJournal"
  | "getSessionChunk"
  | "getSessionEvents"
  | "getSessionEventPage"
  | "getSessionTimeline"
  | "getSessionScreen"
  | "searchEvents"
> {
  const { stores, sessionAudit, sessionJournals, recordings, clock } = services;
  const elsewhere = maybeElsewhere(stores.presence.authServers, services.hostId);
  const reporter = async (): Promise<string> => {
    await may.require("event", "create", "update");
    return may.requireHost("Node", "Proxy", "Admin").hostId;
  };
  /** A host changes only the sessions that it serves. */
  const requireOwnSession = async (namespace: string, id: string): Promise<void> => {
    const session = await stores.liveSessions.get(namespace, id);
    may.requireOwnHost(session.server_id);
  };
  /** Conditions of rules may speak of who took part. */
  const requireRecording = (sessionId: string): Promise<void> =>
    may.requireOn("session", ["read"], async () => [
      { session: { participants: await recordings.playback.participants(sessionId) } },
    ]);
  return {
    async createSession(input) {
      await may.require("ssh_session", "create");
      const session = liveSessionCodec.checkLenient(input);
      may.requireOwnHost(session.server_id);
      await stores.liveSessions.create(session, clock.now());
    },
    async updateSession(input) {
      await may.require("ssh_session", "update");
      const update = liveSessionUpdateCodec.checkLenient(input);
      await requireOwnSession(update.namespace, update.id);
      const now = clock.now();
      await stores.liveSessions.modify(update.namespace, update.id, now, (session) => ({
        ...session,
        terminal_params: update.terminal_params ?? session.terminal_params,
        parties: update.parties ?? session.parties,
        last_active: formatTime(now),
      }));
    },
    async getSessions(namespace) {
      return may.visible("ssh_session", () => stores.liveSessions.list(namespace), { thing: liveSession });
    },
    async getSession(namespace, id) {
      await may.requireOn("ssh_session", ["read"], async () => [
        liveSession(await stores.liveSessions.get(namespace, id)),
      ]);
      return stores.liveSessions.get(namespace, id);
    },
    async deleteSession(namespace, id) {
      await may.require("ssh_session", "delete");
      await requireOwnSession(namespace, id);
      await stores.liveSessions.delete(namespace, id);
    },
    emitAuditEvent: async (event) => sessionAudit.emit(event, await reporter()),
    postSessionSlice: async (slice) => sessionAudit.slice(slice, await reporter()),
    uploadSessionRecording: async (sessionId, archive) =>
      sessionAudit.upload(sessionId, archive, await reporter()),
    appendSessionJournal: async (sessionId, offset, frames) =>
      sessionJournals.append(sessionId, offset, frames, await reporter()),
    finishSessionJournal: async (sessionId) => sessionJournals.finish(sessionId, await reporter()),
    async getSessionChunk(sessionId, offset, maxBytes) {
      await requireRecording(sessionId);
      return recordings.playback
        .chunk(sessionId, offset, Math.min(maxBytes, MAX_CHUNK_BYTES))
        .catch(elsewhere);
    },
    async getSessionEvents(sessionId, after = 0) {
      await requireRecording(sessionId);
      return recordings.playback.events(sessionId, after).catch(elsewhere);
    },
    async getSessionEventPage(sessionId, cursor) {
      await requireRecording(sessionId);
      return recordings.playback.eventPage(sessionId, cursor).catch(elsewhere);
    },
    async getSessionTimeline(sessionId, start, limit) {
      await requireRecording(sessionId);
      return recordings.playback.timeline(sessionId, start, limit).catch(elsewhere);
    },
    async getSessionScreen(sessionId, index) {
      await requireRecording(sessionId);
      return recordings.playback.screen(sessionId, index).catch(elsewhere);
    },
    async searchEvents(search) {
      await may.require("event", "list", "read");
      return sessionAudit.search(search);
    },
  };
}

/** Conditions may speak of who is in a live session, as they do of who was in a recorded one. */
const liveSession = (session: LiveSession): RuleThing => ({
  resource: session,
  session: { participants: (session.parties ?? []).map(({ user }) => user) },
});
