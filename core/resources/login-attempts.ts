import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Storage } from "../plugin/storage.js";
import { createCodec } from "./codec.js";
import { createCollection, undefinedWhenMissing } from "./collection.js";
import { below, keys } from "./keys.js";
import { formatTime, parseTime } from "./rfc3339.js";
import { time } from "./schema-fields.js";

/** How long a failed attempt counts. */
const ATTEMPT_TTL_MS = 30 * 60_000;

const attemptCodec = createCodec(
  "login attempt",
  // The field for success is literally `bool` (storage.md §1.3).
  z.object({ time, bool: z.boolean().default(false) }),
  { escapeHtml: true },
);

/** Failed login attempts of one user, also of a name that no user has. */
export interface LoginAttemptStore {
  /** Records an attempt as failed and returns what {@link remove} takes. */
  record(user: string, at: Date): Promise<string>;
  /** The times of the attempts that still count, oldest first. */
  times(user: string, now: Date): Promise<Date[]>;
  /** Takes back an attempt that turned out to be none. */
  remove(user: string, id: string): Promise<void>;
  clear(user: string): Promise<void>;
}

/** The attempts in a backend. */
export function createLoginAttemptStore(storage: Storage): LoginAttemptStore {
  const collection = createCollection(storage, attemptCodec);
  return {
    async record(user, at) {
      const id = randomUUID();
      const expires = new Date(at.getTime() + ATTEMPT_TTL_MS);
      await collection.create(keys.attempt(user, id), { time: formatTime(at), bool: false }, expires);
      return id;
    },
    async times(user, now) {
      const oldest = now.getTime() - ATTEMPT_TTL_MS;
      return (await collection.list(below(keys.attempts(user))))
        .filter(({ value }) => !value.bool)
        .map(({ value }) => parseTime(value.time))
        .filter((at) => at.getTime() > oldest)
        .sort((a, b) => a.getTime() - b.getTime());
    },
    remove: async (user, id) =>
      void (await storage.delete(keys.attempt(user, id)).catch(undefinedWhenMissing)),
    clear: async (user) => void (await storage.deleteRange(below(keys.attempts(user)))),
  };
}
