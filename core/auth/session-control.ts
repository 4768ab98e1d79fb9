/** How many connections a user may have at a time, over the whole cluster (features.md §13, 4.4). */
import { badParameter, limitExceeded } from "../errors/error.js";
import { isUuid } from "../grammar/uuid.js";
import type { Clock } from "../plugin/clock.js";
import type { ConnectionPlaceStore } from "../resources/connection-places.js";
import type { ConnectionLease, ConnectionPlaceRequest } from "./client/api.js";
import { createKeyedMutex } from "./keyed-mutex.js";

/** Gives connections their places. `hostId` is the host that asks: it can speak for no other's connections. */
export interface SessionControl {
  /** Takes or renews a place. Throws `limit_exceeded` where all are taken, `bad_parameter`. */
  hold(request: ConnectionPlaceRequest, hostId: string): Promise<ConnectionLease>;
  release(user: string, id: string, hostId: string): Promise<void>;
}

/** Session control over a store. A place that is not renewed for `leaseMs` is free again. */
export function createSessionControl(context: {
  readonly places: ConnectionPlaceStore;
  readonly clock: Clock;
  readonly leaseMs: number;
}): SessionControl {
  const { places, clock, leaseMs } = context;
  // One at a time: a user's many connections at once would otherwise overtake each other again and again.
  const mutex = createKeyedMutex();
  return {
    async hold({ user, id, max }, hostId) {
      if (!isUuid(id)) throw badParameter("the id of a connection's place must be a UUID");
      if (!Number.isSafeInteger(max) || max < 1) {
        throw badParameter("the limit of connections must be a number above 0");
      }
      const isHeld = await mutex.run(user, () => {
        const now = clock.now();
        const until = new Date(now.getTime() + leaseMs);
        return places.hold(user, { id, hostId }, { max, now, until });
      });
      if (!isHeld) {
        throw limitExceeded(`too many concurrent ssh connections for user "${user}" (max=${max})`);
      }
      return { lease_ms: leaseMs };
    },
    release: (user, id, hostId) => mutex.run(user, () => places.release(user, { id, hostId }, clock.now())),
  };
}
