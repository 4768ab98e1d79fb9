import { hasCode, notFound } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCollection } from "./collection.js";
import { keys } from "./keys.js";
import { parseTime } from "./rfc3339.js";
import { webSessionCodec } from "./session-codec.js";
import type { WebSession } from "./session.js";

/** Web logins. */
export interface WebSessionStore {
  /** Writes a session; it lives until its bearer token expires. */
  put(session: WebSession): Promise<void>;
  /** Throws `not_found`. */
  get(user: string, id: string): Promise<WebSession>;
  /** Throws `not_found`. */
  delete(user: string, id: string): Promise<void>;
}

/** The web sessions in a backend. */
export function createWebSessionStore(storage: Storage): WebSessionStore {
  const collection = createCollection(storage, webSessionCodec);
  const missing = "the web session is not found: log in again";
  return {
    async put(session) {
      const { user, expires, bearer_token_expires: bearerExpires } = session.spec;
      const end = Math.min(parseTime(expires).getTime(), parseTime(bearerExpires).getTime());
      await collection.put(keys.webSession(user, session.metadata.name), session, new Date(end));
    },
    get: async (user, id) => (await collection.get(keys.webSession(user, id), missing)).value,
    async delete(user, id) {
      await storage.delete(keys.webSession(user, id)).catch((error: unknown) => {
        throw hasCode(error, "not_found") ? notFound(missing, { cause: error }) : error;
      });
    },
  };
}
