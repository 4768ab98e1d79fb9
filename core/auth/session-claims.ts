/** Which host a session belongs to, also while the storage that says so is away. */
import { errorChain, hasCode, limitExceeded } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { SessionOwnerStore } from "../resources/session-owners.js";
import type { StorageHealth } from "../storage/storage-health.js";

/** Sessions that may begin while the storage is away. */
const MAX_PROVISIONAL = 10_000;
const RETRY_MS = 1_000;

/** Gives sessions to hosts. */
export interface SessionClaims {
  /**
   * Gives a session to the first host that asks. False where it is another's. While the storage is away the answer is
   * remembered and written when it is back, so that sessions can begin and their events be taken.
   */
  claim(sessionId: string, hostId: string): Promise<boolean>;
  /** As {@link claim}, but never provisional: throws `unavailable` while the storage is away. */
  claimForGood(sessionId: string, hostId: string): Promise<boolean>;
  close(): void;
}

/** Claims over the store of owners. */
export function createSessionClaims(context: {
  readonly owners: SessionOwnerStore;
  readonly health: StorageHealth;
  readonly clock: Clock;
  readonly log: Logger;
}): SessionClaims {
  const { owners, health, clock, log } = context;
  const provisional = new Map<string, string>();
  const stop = new AbortController();
  let settling = false;

  const claimForGood = (sessionId: string, hostId: string): Promise<boolean> =>
    owners.claim(sessionId, hostId, clock.now());

  const settleOne = async (sessionId: string, hostId: string): Promise<void> => {
    const isOwn = await claimForGood(sessionId, hostId);
    provisional.delete(sessionId);
    if (!isOwn) {
      log.error(
        "two hosts reported one session while the storage was away; the audit log has the events of both",
        {
          sid: sessionId,
          refused: hostId,
        },
      );
    }
  };
  /** Writes what was promised, once the storage is back. */
  const settle = async (): Promise<void> => {
    while (provisional.size > 0 && !stop.signal.aborted) {
      try {
        if (health.staleSince() !== undefined) await health.changed(stop.signal);
        for (const [sessionId, hostId] of [...provisional]) await settleOne(sessionId, hostId);
      } catch (error) {
        log.debug("owners of sessions cannot be written yet", { error: errorChain(error) });
        await clock.sleep(RETRY_MS, stop.signal).catch(() => undefined);
      }
    }
    settling = false;
  };

  return {
    claimForGood,
    async claim(sessionId, hostId) {
      try {
        return await claimForGood(sessionId, hostId);
      } catch (error) {
        if (!hasCode(error, "unavailable") || health.staleSince() === undefined) throw error;
        const owner = provisional.get(sessionId);
        if (owner !== undefined) return owner === hostId;
        if (provisional.size >= MAX_PROVISIONAL) {
          throw limitExceeded("too many sessions have begun while the storage is away", { cause: error });
        }
        provisional.set(sessionId, hostId);
        if (!settling) {
          settling = true;
          void settle();
        }
        return true;
      }
    },
    close: () => stop.abort(),
  };
}
