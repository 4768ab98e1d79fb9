/** An auth API that remembers what a node tells it. */
import type { AuthApi, SessionSlice } from "../../../core/auth/client/api.js";
import type { LiveSession, LiveSessionUpdate } from "../../../core/resources/session.js";

/** An audit event as the fake API received it. */
export type Event = Record<string, unknown> & { event: string };

/** What the fake API does and remembers. */
export interface FakeAuth {
  readonly api: AuthApi;
  /** In order of arrival, slices and single events alike. */
  readonly events: Event[];
  readonly recordings: Map<string, Buffer>;
  readonly live: Map<string, LiveSession>;
  readonly liveUpdates: LiveSessionUpdate[];
  /** While set, events are refused with it. */
  auditError: Error | undefined;
  /** Resolves with the first event that satisfies the test, also one that has come already. */
  waitFor(test: (event: Event) => boolean): Promise<Event>;
}

export function fakeAuth(): FakeAuth {
  const waiting: { test: (event: Event) => boolean; resolve: (event: Event) => void }[] = [];
  const take = (event: Event): void => {
    if (auth.auditError !== undefined) throw auth.auditError;
    auth.events.push(event);
    for (const waiter of [...waiting]) {
      if (!waiter.test(event)) continue;
      waiting.splice(waiting.indexOf(waiter), 1);
      waiter.resolve(event);
    }
  };
  const calls: Partial<AuthApi> = {
    emitAuditEvent: async (event) => take(event),
    postSessionSlice: async (slice: SessionSlice) => {
      for (const chunk of slice.chunks) take(JSON.parse(Buffer.from(chunk.data).toString()) as Event);
    },
    createSession: async (session) => void auth.live.set(session.id, session),
    updateSession: async (update) => void auth.liveUpdates.push(update),
    deleteSession: async (_namespace, id) => void auth.live.delete(id),
    uploadSessionRecording: async (id, archive) => {
      const parts: Uint8Array[] = [];
      for await (const part of archive) parts.push(part);
      auth.recordings.set(id, Buffer.concat(parts));
    },
  };
  const auth: FakeAuth = {
    api: calls as AuthApi,
    events: [],
    recordings: new Map(),
    live: new Map(),
    liveUpdates: [],
    auditError: undefined,
    waitFor: (test) => {
      const found = auth.events.find(test);
      if (found !== undefined) return Promise.resolve(found);
      return new Promise((resolve) => waiting.push({ test, resolve }));
    },
  };
  return auth;
}
