import { hasCode, notFound } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCollection } from "./collection.js";
import { below, keys } from "./keys.js";
import { liveSessionCodec } from "./session-codec.js";
import type { LiveSession } from "./session.js";

/** How long a session lives without a refresh. */
export const LIVE_SESSION_TTL_MS = 30_000;

/** Live SSH sessions. */
export interface LiveSessionStore {
  /** Throws `already_exists`. */
  create(session: LiveSession, now: Date): Promise<void>;
  /** Changes a session atomically and refreshes it. Throws `not_found`. */
  modify(
    namespace: string,
    id: string,
    now: Date,
    change: (session: LiveSession) => LiveSession,
  ): Promise<void>;
  /** Throws `not_found`. */
  get(namespace: string, id: string): Promise<LiveSession>;
  list(namespace: string): Promise<LiveSession[]>;
  /** Throws `not_found`. */
  delete(namespace: string, id: string): Promise<void>;
}

/** The live sessions in a backend. */
export function createLiveSessionStore(storage: Storage): LiveSessionStore {
  const collection = createCollection(storage, liveSessionCodec);
  const missing = (id: string): string => `session ${id} is not found`;
  const expiry = (now: Date): Date => new Date(now.getTime() + LIVE_SESSION_TTL_MS);
  return {
    create: async (session, now) =>
      void (await collection.create(keys.liveSession(session.namespace, session.id), session, expiry(now))),
    async modify(namespace, id, now, change) {
      const key = keys.liveSession(namespace, id);
      for (;;) {
        const current = await collection.get(key, missing(id));
        try {
          await collection.replaceVersion(key, change(current.value), current, expiry(now));
          return;
        } catch (error) {
          if (!hasCode(error, "compare_failed")) {
            throw error;
          }
        }
      }
    },
    get: async (namespace, id) => (await collection.get(keys.liveSession(namespace, id), missing(id))).value,
    list: async (namespace) =>
      (await collection.list(below(keys.liveSessions(namespace)))).map(({ value }) => value),
    async delete(namespace, id) {
      await storage.delete(keys.liveSession(namespace, id)).catch((error: unknown) => {
        throw hasCode(error, "not_found") ? notFound(missing(id), { cause: error }) : error;
      });
    },
  };
}
