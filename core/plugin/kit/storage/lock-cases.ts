import assert from "node:assert/strict";
import { once } from "node:events";
import { unavailable } from "../../../errors/error.js";
import { acquireLock, type Lock } from "../../../storage/lock.js";
import { systemClock } from "../../clock.js";
import type { Storage } from "../../storage.js";
import { rejectsWith, type StorageTrial, type Trial } from "./trial.js";

const NAME = "kit-conformance";
/** A holder that works never loses its lock within a case. */
const LONG_MS = 60_000;
/** A holder that is cut off loses it within a case. */
const SHORT_MS = 1000;

/**
 * Locks: what the product's own lock promises holds over the storage. It compares the time inside the value, so these
 * cases run in real time whatever the clock of the storage is.
 */
export const lockCases: StorageTrial[] = [
  {
    name: "a fence grows with every holder, on either handle",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      for (let fence = 1; fence <= 4; fence++) {
        const lock = await acquire(trial, handles[fence % 2 ? 0 : 1], `holder ${fence}`);
        assert.equal(lock.fence, fence);
        await lock.release();
      }
    },
  },
  {
    name: "contenders on two handles hold it one after the other",
    async run(trial) {
      const handles = [trial.storage, await trial.peer()] as const;
      let inside = 0;
      const fences = await Promise.all(
        Array.from({ length: 6 }, async (_, n) => {
          const storage = handles[n % 2 ? 1 : 0];
          const lock = await acquire(trial, storage, `contender ${n}`, LONG_MS, 6 * trial.patienceMs);
          assert.equal(++inside, 1, "two held the lock at once");
          await storage.put({ key: "/kit/work", value: Buffer.from(String(n)) });
          inside--;
          await lock.release();
          return lock.fence;
        }),
      );
      assert.deepEqual(
        fences.sort((a, b) => a - b),
        [1, 2, 3, 4, 5, 6],
      );
    },
  },
  {
    name: "a release hands over to whoever waits on the other handle",
    async run(trial) {
      const peer = await trial.peer();
      const first = await acquire(trial, trial.storage, "first");
      const second = acquire(trial, peer, "second");
      await first.release();
      await (await second).release();
    },
  },
  {
    name: "a holder that is cut off is told, the next one gets it, and the late release frees nothing",
    async run(trial) {
      const peer = await trial.peer();
      const cut = { on: false };
      const first = await acquire(trial, severable(trial.storage, cut), "first", SHORT_MS);
      const lost = once(first.lost, "abort");
      cut.on = true;
      const second = await acquire(trial, peer, "second", LONG_MS);
      assert.equal(second.fence, first.fence + 1);
      await trial.within(lost, "the loss was not reported");
      cut.on = false;
      await rejectsWith("compare_failed", first.release());
      const third = new AbortController();
      const waiting = acquireLock(trial.storage, NAME, {
        ttlMs: LONG_MS,
        owner: "third",
        clock: systemClock,
        signal: third.signal,
      });
      const outcome = waiting.then(
        () => "got it",
        () => "gave up",
      );
      // The second holder still is one: its release succeeds, and only then the third comes in.
      await second.release();
      assert.equal(await trial.within(outcome, "the lock was not handed over"), "got it");
      const lock = await waiting;
      assert.equal(lock.fence, second.fence + 1);
      await lock.release();
    },
  },
  {
    name: "a lock that was taken by force is not released by its old holder",
    async run(trial) {
      const peer = await trial.peer();
      const lock = await acquire(trial, trial.storage, "first");
      const key = `/extensions/mutexes/${NAME}`;
      const value = Buffer.from(JSON.stringify({ owner: "thief", fence: 9, untilMs: Date.now() + LONG_MS }));
      const revision = await peer.put({ key, value });
      await rejectsWith("compare_failed", lock.release());
      assert.equal((await peer.get(key)).revision, revision, "the old holder's release changed the lock");
    },
  },
];

function acquire(
  trial: Trial,
  storage: Storage,
  owner: string,
  ttlMs = LONG_MS,
  patienceMs = trial.patienceMs,
): Promise<Lock> {
  const signal = AbortSignal.timeout(patienceMs);
  return acquireLock(storage, NAME, { ttlMs, owner, clock: systemClock, signal });
}

/** The same storage behind a network that can be cut. */
function severable(storage: Storage, cut: { readonly on: boolean }): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") {
        return member;
      }
      return (...args: unknown[]): unknown =>
        cut.on ? Promise.reject(unavailable("cut off")) : (Reflect.apply(member, target, args) as unknown);
    },
  });
}
