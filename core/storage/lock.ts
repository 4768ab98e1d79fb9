import {
  compareFailed,
  corrupt,
  hasCode,
  type Clock,
  type Item,
  type Revision,
  type Storage,
} from "@teleport/plugin";
import { EXTENSION_KEYS } from "../grammar/extension-keys.js";
import { HeldLease } from "./held-lease.js";

/** Apart from the locks of users and hosts, which are resources. */
const PREFIX = `${EXTENSION_KEYS}/mutexes/`;

/** Options of {@link acquireLock}. */
export interface LockOptions {
  /** How long the lock outlives a holder that has died. Must be well above the clock skew between the hosts. */
  readonly ttlMs: number;
  /** Who holds it, for humans: a host name or id. Two attempts with one owner still exclude each other. */
  readonly owner: string;
  readonly clock: Clock;
  /** Gives up waiting: the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A lock that is held and is renewed until it is released or lost. */
export interface Lock {
  /** Grows with every holder of this lock. Whoever writes under the lock writes it along, so that a late one shows. */
  readonly fence: number;
  /** Aborted when the lock is no longer held although it was not released: stop at once. */
  readonly lost: AbortSignal;
  /** Gives the lock to the next one. Throws `compare_failed` where it had been lost; then it is left alone. */
  release(): Promise<void>;
}

/** The stored form. It never expires: the fence must outlive every holder, and the time is compared exactly. */
interface LockRecord {
  readonly owner: string;
  readonly fence: number;
  /** Unix milliseconds; the lock is free from then on. */
  readonly untilMs: number;
}

/** Waits until the lock `name` is free, and takes it. */
export async function acquireLock(storage: Storage, name: string, options: LockOptions): Promise<Lock> {
  const key = `${PREFIX}${name}`;
  const { clock, signal } = options;
  const stop = new AbortController();
  const events = storage.watch([key], { signal: stop.signal })[Symbol.asyncIterator]();
  try {
    let change = events.next();
    change.catch(() => undefined);
    for (;;) {
      signal?.throwIfAborted();
      const attempt = await tryAcquire(storage, key, options);
      if ("revision" in attempt) {
        return held(storage, key, name, attempt, options);
      }
      const patience = new AbortController();
      const waits = [patience.signal, ...(signal ? [signal] : [])];
      const free = clock.sleep(Math.max(attempt.freeInMs, 1), AbortSignal.any(waits)).then(() => false);
      free.catch(() => undefined);
      try {
        if (await Promise.race([free, change.then(() => true)])) {
          change = events.next();
        }
      } finally {
        patience.abort();
      }
    }
  } finally {
    stop.abort();
  }
}

type Attempt = { readonly revision: Revision; readonly record: LockRecord } | { readonly freeInMs: number };

async function tryAcquire(
  storage: Storage,
  key: string,
  { owner, ttlMs, clock }: LockOptions,
): Promise<Attempt> {
  const current = await find(storage, key);
  const before = current && parse(current);
  const nowMs = clock.now().getTime();
  if (before && before.untilMs > nowMs) {
    return { freeInMs: before.untilMs - nowMs };
  }
  const record: LockRecord = { owner, fence: (before?.fence ?? 0) + 1, untilMs: nowMs + ttlMs };
  const item = { key, value: serialize(record) };
  try {
    const write = current ? storage.compareAndSwap(item, current.revision) : storage.create(item);
    return { revision: await write, record };
  } catch (error) {
    if (hasCode(error, "compare_failed") || hasCode(error, "already_exists")) {
      return { freeInMs: 0 };
    }
    throw error;
  }
}

function held(
  storage: Storage,
  key: string,
  name: string,
  { revision, record }: { readonly revision: Revision; readonly record: LockRecord },
  { ttlMs, clock }: LockOptions,
): Lock {
  const lease = new HeldLease(ttlMs, clock, revision, (last, untilMs) =>
    storage.compareAndSwap({ key, value: serialize({ ...record, untilMs }) }, last),
  );
  return {
    fence: record.fence,
    lost: lease.lost,
    async release() {
      const last = await lease.stop();
      if (last === undefined) {
        throw compareFailed(`the lock ${name} had been lost before it was released`);
      }
      await storage.compareAndSwap({ key, value: serialize({ ...record, untilMs: 0 }) }, last);
    },
  };
}

async function find(storage: Storage, key: string): Promise<Item | undefined> {
  try {
    return await storage.get(key);
  } catch (error) {
    if (hasCode(error, "not_found")) {
      return undefined;
    }
    throw error;
  }
}

function serialize(record: LockRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

function parse(item: Item): LockRecord {
  let record: Partial<LockRecord> | null;
  try {
    record = JSON.parse(Buffer.from(item.value).toString()) as Partial<LockRecord> | null;
  } catch (error) {
    throw corrupt(`the lock record ${item.key} is not JSON; delete it if nobody holds the lock`, {
      cause: error,
    });
  }
  const { owner, fence, untilMs } = record ?? {};
  if (typeof owner !== "string" || !Number.isSafeInteger(fence) || typeof untilMs !== "number") {
    throw corrupt(`the lock record ${item.key} cannot be read; delete it if nobody holds the lock`);
  }
  return { owner, fence: fence as number, untilMs };
}
