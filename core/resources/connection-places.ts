import { z } from "zod";
import { hasCode } from "../errors/error.js";
import type { Storage } from "../plugin/storage.js";
import { createCodec } from "./codec.js";
import { createCollection, undefinedWhenMissing } from "./collection.js";
import { keys } from "./keys.js";
import { formatTime, parseTime } from "./rfc3339.js";

/** Most places of one user, whatever the limit says: all of them lie in one record. */
const MAX_PLACES = 2_000;

/** One of a user's connections: the host that serves it, and the id that it has there. */
export interface PlaceHolder {
  readonly id: string;
  readonly hostId: string;
}

/** The places that users' connections take, over the whole cluster. One that is not renewed frees itself. */
export interface ConnectionPlaceStore {
  /**
   * Takes a place until a moment, or renews the one that the connection has. False where `max` others are taken.
   * Atomic, also over several auth servers.
   */
  hold(
    user: string,
    holder: PlaceHolder,
    limit: { readonly max: number; readonly now: Date; readonly until: Date },
  ): Promise<boolean>;
  /** Gives a place back; one that is free already stays so. */
  release(user: string, holder: PlaceHolder, now: Date): Promise<void>;
}

interface Place {
  id: string;
  host_id: string;
  expires: string;
}

const codec = createCodec<{ places: Place[] }>(
  "list of connections",
  z.object({ places: z.array(z.object({ id: z.string(), host_id: z.string(), expires: z.string() })) }),
);

/** The places in a backend, one record for each user, under a prefix of ours. */
export function createConnectionPlaceStore(storage: Storage): ConnectionPlaceStore {
  const collection = createCollection(storage, codec);

  /** Replaces the places of a user by what `change` makes of those still held; undefined leaves them as they are. */
  const change = async (
    user: string,
    now: Date,
    changed: (held: readonly Place[]) => Place[] | undefined,
  ): Promise<boolean> => {
    const key = keys.connectionPlaces(user);
    for (;;) {
      const found = await collection.find(key);
      const held = (found?.value.places ?? []).filter(({ expires }) => parseTime(expires) > now);
      const places = changed(held);
      if (places === undefined) return false;
      try {
        if (places.length > 0) {
          const last = new Date(Math.max(...places.map(({ expires }) => parseTime(expires).getTime())));
          if (found === undefined) await collection.create(key, { places }, last);
          else await collection.compareAndSwap(key, { places }, found.revision, last);
        } else if (found !== undefined) {
          await storage.delete(key, found.revision).catch(undefinedWhenMissing);
        }
        return true;
      } catch (error) {
        // Another connection of the user was faster.
        if (!hasCode(error, "compare_failed") && !hasCode(error, "already_exists")) throw error;
      }
    }
  };

  return {
    hold: (user, { id, hostId }, { max, now, until }) =>
      change(user, now, (held) => {
        const others = held.filter((place) => place.id !== id || place.host_id !== hostId);
        const isRenewal = others.length < held.length;
        if (!isRenewal && others.length >= Math.min(max, MAX_PLACES)) return undefined;
        return [...others, { id, host_id: hostId, expires: formatTime(until) }];
      }),
    release: async (user, { id, hostId }, now) =>
      void (await change(user, now, (held) => {
        const others = held.filter((place) => place.id !== id || place.host_id !== hostId);
        return others.length < held.length ? others : undefined;
      })),
  };
}
