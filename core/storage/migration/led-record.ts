import { setTimeout as pause } from "node:timers/promises";
import {
  compareFailed,
  errorCode,
  hasCode,
  unavailable,
  type Clock,
  type Revision,
  type Storage,
} from "@teleport/plugin";
import { SKEW_MS } from "./members.js";
import { encode, readRecord, RECORD_KEY, type MigrationRecord } from "./records.js";

/** How long a leader counts as alive after it was heard of. */
export const LEADER_LEASE_MS = 15_000;
const RENEW_MS = 5_000;
const RETRY_MS = 100;

/**
 * The migration record in the hands of its leader: every step is a compareAndSwap, one after the other, and an answer
 * that was lost is looked up. So of two who want to decide, the commit and an abort, one wins.
 */
export class LedRecord {
  readonly #stop = new AbortController();
  readonly #lost = new AbortController();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly source: Storage,
    private readonly clock: Clock,
    private record: MigrationRecord,
    private revision: Revision,
    /** When the last state that is stored was sent, on the monotonic clock. */
    private sentMs: number,
  ) {
    void this.#renewForever();
  }

  /**
   * Writes the first state. Throws `compare_failed` where another migration is under way or is just beginning, and
   * `unavailable`.
   */
  static async begin(source: Storage, clock: Clock, first: MigrationRecord): Promise<LedRecord> {
    const known = await readRecord(source);
    if (known) refuseBefore(known.value, first, clock);
    const sentMs = performance.now();
    const item = { key: RECORD_KEY, value: encode(withLease(first, clock)) };
    try {
      const revision = known ? await source.compareAndSwap(item, known.revision) : await source.create(item);
      return new LedRecord(source, clock, first, revision, sentMs);
    } catch (error) {
      if (!hasCode(error, "compare_failed") && !hasCode(error, "already_exists")) throw error;
      throw compareFailed("another migration is just beginning: see tctl storage status", { cause: error });
    }
  }

  /** The last state that is known to be stored. */
  get value(): MigrationRecord {
    return this.record;
  }

  /** Aborted, with the reason, when someone else has aborted the migration. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Throws where this leader has not been heard of for so long that another may have taken its place: then it must not
   * touch the target any more, which may be the other's.
   */
  assertLed(): void {
    this.lost.throwIfAborted();
    if (performance.now() - this.sentMs > LEADER_LEASE_MS) {
      throw unavailable("the storage has not taken a sign of life of this migration for too long");
    }
  }

  /** Tells how far the copy is, along with the next renewal. */
  copied(items: number): void {
    this.record = { ...this.record, copied: items };
  }

  /**
   * Stores the next state. Throws `compare_failed` with the reason where someone else has aborted the migration, and
   * `unavailable` where the store does not answer for `patienceMs`; then it is unknown which state is stored.
   */
  step(change: Partial<MigrationRecord>, patienceMs: number): Promise<void> {
    const write = this.#writing.then(() => this.#write(change, patienceMs));
    this.#writing = write.catch(() => undefined);
    return write;
  }

  /** Stops renewing. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#writing;
  }

  async #write(change: Partial<MigrationRecord>, patienceMs: number): Promise<void> {
    const next = withLease({ ...this.record, ...change }, this.clock);
    const value = encode(next);
    const deadline = performance.now() + patienceMs;
    for (let cause: unknown; ;) {
      const sentMs = performance.now();
      try {
        const revision = await this.source.compareAndSwap({ key: RECORD_KEY, value }, this.revision);
        this.#stored(next, revision, sentMs);
        return;
      } catch (error) {
        cause = error;
      }
      const revision = this.revision;
      try {
        if (await this.#lookUp(value)) return;
      } catch (error) {
        if (!hasCode(error, "unavailable")) throw error;
        cause = error;
      }
      if (revision === this.revision && isRefusal(cause)) throw cause;
      if (performance.now() > deadline) {
        throw unavailable("the storage does not take the next step of the migration", { cause });
      }
      await pause(RETRY_MS);
    }
  }

  /** Looks what is stored after a write without a good answer. Returns whether nothing is left to write. */
  async #lookUp(value: Uint8Array): Promise<boolean> {
    const sentMs = performance.now();
    const stored = await readRecord(this.source);
    if (stored?.value.id !== this.record.id || stored.value.phase === "aborted") {
      throw this.#superseded(stored?.value);
    }
    // Only the leader writes anything but an end: so it is this write, or one before whose answer was lost.
    const isDone = stored.value.phase === "committed" || Buffer.from(encode(stored.value)).equals(value);
    if (isDone) this.#stored(stored.value, stored.revision, sentMs);
    this.revision = stored.revision;
    return isDone;
  }

  #stored(record: MigrationRecord, revision: Revision, sentMs: number): void {
    this.record = record;
    this.revision = revision;
    this.sentMs = sentMs;
  }

  #superseded(stored: MigrationRecord | undefined): Error {
    const ours = stored?.id === this.record.id;
    const reason = ours ? (stored.reason ?? stored.phase) : "its record was removed or replaced";
    const error = compareFailed(`the migration was aborted: ${reason}`);
    this.#lost.abort(error);
    return error;
  }

  async #renewForever(): Promise<void> {
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      await this.clock.sleep(RENEW_MS, signal).catch(() => undefined);
      // A renewal that fails shows in the next step, or in the lease.
      if (!signal.aborted) await this.step({}, LEADER_LEASE_MS).catch(() => undefined);
    }
  }
}

/** What stands in the way of a new migration. */
function refuseBefore(before: MigrationRecord, next: MigrationRecord, clock: Clock): void {
  if (before.phase === "aborted") return;
  if (before.phase === "committed") {
    if (before.epoch < next.epoch) return;
    throw compareFailed("the cluster has just moved, and this auth server is about to follow: try again");
  }
  if (before.untilMs + SKEW_MS > clock.now().getTime()) {
    throw compareFailed(
      `the cluster is being moved already, by ${before.leader.name} since ${before.startedAt}: see tctl storage status`,
    );
  }
}

/** Whether a store has said that it did not write, rather than nothing certain. */
function isRefusal(error: unknown): boolean {
  const code = errorCode(error);
  return code !== "unavailable" && code !== "compare_failed" && code !== "internal";
}

function withLease(record: MigrationRecord, clock: Clock): MigrationRecord {
  return { ...record, untilMs: clock.now().getTime() + LEADER_LEASE_MS };
}
