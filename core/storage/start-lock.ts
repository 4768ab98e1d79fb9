import { compareFailed, hasCode, type Clock, type Storage } from "@teleport/plugin";
import { HeldLease } from "./held-lease.js";

/** What 4.2 uses, so that its daemons and ours exclude each other (storage.md §1.1). */
const TTL_MS = 30_000;
const POLL_MS = 250;
const VALUE = Uint8Array.of(0x01);

/** The lock under which an auth service initialises a cluster's records. */
export interface StartLock {
  /** Aborted when the lock is no longer held although it was not released. */
  readonly lost: AbortSignal;
  /** Lets the next auth service start. Throws `compare_failed` where the lock had been lost; then it is left alone. */
  release(): Promise<void>;
}

/**
 * Waits for `.locks/<cluster>`, which auth services of 4.2 and ours hold while they start on a store. It carries
 * neither owner nor fence, since 4.2 knows none; we still never release the lock of another.
 */
export async function acquireStartLock(
  storage: Storage,
  clusterName: string,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<StartLock> {
  const key = `.locks/${clusterName}`;
  const itemUntil = (ms: number) => ({ key, value: VALUE, expires: new Date(ms) });
  for (;;) {
    signal?.throwIfAborted();
    try {
      const revision = await storage.create(itemUntil(clock.now().getTime() + TTL_MS));
      const lease = new HeldLease(TTL_MS, clock, revision, (last, untilMs) =>
        storage.update(itemUntil(untilMs), last),
      );
      return {
        lost: lease.lost,
        async release() {
          const last = await lease.stop();
          if (last === undefined) {
            throw compareFailed(`the start-up lock of ${clusterName} had been lost before it was released`);
          }
          await storage.delete(key, last);
        },
      };
    } catch (error) {
      if (!hasCode(error, "already_exists")) {
        throw error;
      }
    }
    await clock.sleep(POLL_MS, signal);
  }
}
