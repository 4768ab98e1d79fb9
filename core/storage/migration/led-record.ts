import { setTimeout as pause } from "node:timers/promises";
import {
  compareFailed,
  errorCode,
  unavailable,
  type Clock,
  type Revision,
  type Storage,
} from "@teleport/plugin";
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
  ) {
    void this.#renewForever();
  }

  /**
   * Writes the first state. Throws `compare_failed` where another migration is under way or is just beginning, and
   * `unavailable`.
   */
  static async begin(source: Storage, clock: Clock, first: MigrationRecord): Promise<LedRecord> {
    const known = await readRecord(source);
    const nowMs = clock.now().getTime();
    const before = known?.value;
    if (before && before.phase !== "aborted" && before.phase !== "committed" && before.untilMs > nowMs) {
      throw compareFailed(
        `the cluster is being moved already, by ${before.leader.name} since ${before.startedAt}: see tctl storage status`,
      );
    }
    const item = { key: RECORD_KEY, value: encode(withLease(first, clock)) };
    const revision = known ? await source.compareAndSwap(item, known.revision) : await source.create(item);
    return new LedRecord(source, clock, first, revision);
  }

  /** The last state that is known to be stored. */
  get value(): MigrationRecord {
    return this.record;
  }

  /** Aborted, with the reason, when someone else has aborted the migration. */
  get lost(): AbortSignal {
    return this.#lost.signal;
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
      try {
        this.revision = await this.source.compareAndSwap({ key: RECORD_KEY, value }, this.revision);
        this.record = next;
        return;
      } catch (error) {
        const code = errorCode(error);
        if (code !== "unavailable" && code !== "compare_failed") throw error;
        cause = error;
      }
      try {
        const stored = await readRecord(this.source);
        if (stored && Buffer.from(encode(stored.value)).equals(value)) {
          this.revision = stored.revision;
          this.record = next;
          return;
        }
        if (stored?.revision !== this.revision) throw this.#superseded(stored?.value);
      } catch (error) {
        if (errorCode(error) !== "unavailable") throw error;
        cause = error;
      }
      if (performance.now() > deadline) {
        throw unavailable("the storage does not take the next step of the migration", { cause });
      }
      await pause(RETRY_MS);
    }
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

function withLease(record: MigrationRecord, clock: Clock): MigrationRecord {
  return { ...record, untilMs: clock.now().getTime() + LEADER_LEASE_MS };
}
