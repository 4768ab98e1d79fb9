import { limitExceeded } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";

/** How many clients are remembered; the one that has been quiet longest is forgotten first. */
const MAX_CLIENTS = 10_000;

/** Bounds how often one client may do something. */
export interface RateLimit {
  /** Throws `limit_exceeded` where the client has used up its share of this second. */
  take(client: string): void;
}

/** A token bucket per client: `perSecond` calls a second, and as many at once. */
export function createRateLimit(perSecond: number, clock: Clock): RateLimit {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(client) {
      const now = clock.now().getTime();
      const { tokens, at } = buckets.get(client) ?? { tokens: perSecond, at: now };
      const filled = Math.min(perSecond, tokens + (Math.max(0, now - at) / 1000) * perSecond);
      buckets.delete(client);
      buckets.set(client, { tokens: Math.max(0, filled - 1), at: now });
      if (buckets.size > MAX_CLIENTS) {
        const [quietest] = buckets.keys();
        buckets.delete(quietest ?? "");
      }
      if (filled < 1) {
        throw limitExceeded("too many attempts: wait a second and try again", { retryAfterMs: 1000 });
      }
    },
  };
}
