import { z } from "zod";
import { hasCode, notFound } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCodec } from "./codec.js";
import { createCollection } from "./collection.js";
import { keys } from "./keys.js";

/** How long a session belongs to its host after that was last asked for, give or take half of it. */
const LIFETIME_MS = 60 * 24 * 3_600_000;
/** Sessions whose owner is known without a look at the store; the one known longest is forgotten first. */
const MAX_KNOWN = 10_000;

const codec = createCodec<{ host_id: string }>("owner of a session", z.object({ host_id: z.string() }));

/** Which host serves which session. */
export interface SessionOwnerStore {
  /** Gives a session to the first host that asks for it. False where it is another's. */
  claim(sessionId: string, hostId: string, now: Date): Promise<boolean>;
  /** The host of a session. Throws `not_found` where none has asked for it, or not for long. */
  ownerOf(sessionId: string): Promise<string>;
}

/** The owners in a backend, under a prefix of ours. */
export function createSessionOwnerStore(storage: Storage): SessionOwnerStore {
  const collection = createCollection(storage, codec);
  const known = new Map<string, { readonly hostId: string; readonly expires: Date }>();

  const lookUp = async (sessionId: string, hostId: string, now: Date) => {
    const key = keys.sessionOwner(sessionId);
    const latest = new Date(now.getTime() + LIFETIME_MS);
    const found = await collection.find(key);
    if (found === undefined) {
      await collection.create(key, { host_id: hostId }, latest);
      return { hostId, expires: latest };
    }
    const { value, expires = latest } = found;
    if (value.host_id !== hostId || isFresh(expires, now)) {
      return { hostId: value.host_id, expires };
    }
    await storage.keepAlive(key, latest);
    return { hostId, expires: latest };
  };

  return {
    async claim(sessionId, hostId, now) {
      let owner = known.get(sessionId);
      if (owner === undefined || !isFresh(owner.expires, now)) {
        owner = await lookUp(sessionId, hostId, now).catch((error: unknown) => {
          if (!hasCode(error, "already_exists")) {
            throw error;
          }
          // Another host, or another event of this one, was faster.
          return lookUp(sessionId, hostId, now);
        });
        known.set(sessionId, owner);
        if (known.size > MAX_KNOWN) {
          const [oldest] = known.keys();
          known.delete(oldest ?? "");
        }
      }
      return owner.hostId === hostId;
    },
    async ownerOf(sessionId) {
      const found = await collection.find(keys.sessionOwner(sessionId));
      if (found === undefined) throw notFound(`the session ${sessionId} belongs to no host`);
      return found.value.host_id;
    },
  };
}

function isFresh(expires: Date, now: Date): boolean {
  return expires.getTime() - now.getTime() > LIFETIME_MS / 2;
}
