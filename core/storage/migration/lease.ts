import { setTimeout as pause } from "node:timers/promises";
import { errorMessage, hasCode, unavailable, type Storage } from "@teleport/plugin";
import type { ServingStore, StoreClaim } from "../switchable-storage.js";
import { announceMember, LEASE_MS, RENEW_MS, type Acknowledgement } from "./members.js";
import { readMark, readRecord } from "./records.js";
import type { MigrationTools } from "./tools.js";

const RETRY_MS = 1_000;
const POLL_MS = 50;
/** How long giving up the lease may take. */
const RELEASE_MS = 1_000;

/** Where a cluster is, seen from a store that was it. */
type Standing = "here" | "undecided" | "moved";

/**
 * This host's right to speak for the store. A migration waits for everyone whose lease runs; so a process that was stopped
 * for longer than its lease must look, before it answers, whether the cluster is still there.
 */
export class StoreLease implements StoreClaim {
  readonly #stop = new AbortController();
  #store: ServingStore | undefined;
  #ack: Acknowledgement | undefined;
  /** Until when the lease runs: on the monotonic clock, and on that of the wall, since the first stands in a suspended host. */
  #validUntilMs = -Infinity;
  #validUntil = -Infinity;
  /** The last announcement to {@link #store}: one after the other, so that an older one never undoes a newer. */
  #announced: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly tools: Pick<MigrationTools, "host" | "clock" | "log">,
    /** Milliseconds of a clock that is never put back. */
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /** Takes the lease of the first store and renews it from now on. Throws where the store does not take it. */
  async hold(store: ServingStore): Promise<void> {
    this.#store = store;
    await this.#renew(store);
    void this.#renewForever();
  }

  /**
   * Turns to the store that the cluster has moved into. Where that does not take the lease just now, every write asks for
   * it until it does.
   */
  async moveTo(store: ServingStore, ack?: Acknowledgement): Promise<void> {
    this.#store = store;
    this.#ack = ack;
    this.#validUntilMs = -Infinity;
    this.#announced = Promise.resolve();
    await this.#renew(store).catch((error: unknown) => this.#failed(error));
  }

  /** Says in the lease how far this host follows a migration. */
  async acknowledge(ack: Acknowledgement): Promise<void> {
    this.#ack = ack;
    if (this.#store) await this.#announce(this.#store);
  }

  /** Returns where a write that has just ended may be acknowledged. Throws `unavailable` where its fate is unknown. */
  confirmWrite(store: ServingStore): Promise<void> | void {
    return this.#isValid() ? undefined : this.#reconfirm(store);
  }

  /** Returns where what was just read is what the cluster holds. Throws `unavailable` where the cluster has left. */
  confirmRead(store: ServingStore): Promise<void> | void {
    return this.#isValid() ? undefined : this.#look(store);
  }

  /** Stops renewing; the lease runs out. */
  end(): void {
    this.#stop.abort();
  }

  /** Ends the lease at once, so that the next move does not wait for this host. */
  async release(): Promise<void> {
    this.end();
    const store = this.#store;
    if (!store) return;
    this.#validUntilMs = -Infinity;
    const { host, clock } = this.tools;
    const given = this.#announced.then(() => announceMember(store.storage, host, clock, { leaseMs: 0 }));
    // A store that does not answer lets the lease run out.
    const patience = pause(RELEASE_MS, undefined, { ref: false });
    await Promise.race([given.catch((error: unknown) => this.#failed(error)), patience]);
  }

  #isValid(): boolean {
    if (this.#store === undefined) return true;
    return this.monotonicMs() < this.#validUntilMs && this.tools.clock.now().getTime() < this.#validUntil;
  }

  async #look({ storage, epoch }: ServingStore): Promise<void> {
    if ((await standingOf(storage, epoch)) !== "moved") return;
    throw unavailable("the cluster has moved to another storage while this server was stopped: try again");
  }

  async #reconfirm(store: ServingStore): Promise<void> {
    for (;;) {
      if (this.#stop.signal.aborted) {
        throw unavailable(
          "this auth server is ending; whether the write counts is unknown: look, and try again",
        );
      }
      const standing = await this.#renew(store);
      if (standing === "here") return;
      if (standing === "moved") {
        throw unavailable(
          "the cluster has moved to another storage while this server was stopped; whether the write counts is unknown: look, and try again",
        );
      }
      await pause(POLL_MS, undefined, { signal: this.#stop.signal });
    }
  }

  /** The member is written first and the record read afterwards: so either the leader sees the one, or we the other. */
  async #renew(store: ServingStore): Promise<Standing> {
    const startedMs = this.monotonicMs();
    const startedAt = this.tools.clock.now().getTime();
    await this.#announce(store);
    const standing = await standingOf(store.storage, store.epoch);
    const frozen = standing === "undecided" && this.#ack?.phase === "freezing";
    if (store === this.#store && (standing === "here" || frozen)) {
      this.#validUntilMs = startedMs + LEASE_MS;
      this.#validUntil = startedAt + LEASE_MS;
    }
    return standing;
  }

  #announce({ storage }: ServingStore): Promise<void> {
    const { host, clock } = this.tools;
    const announced = this.#announced.then(() =>
      announceMember(storage, host, clock, this.#ack && { ack: this.#ack }),
    );
    this.#announced = announced.catch(() => undefined);
    return announced;
  }

  async #renewForever(): Promise<void> {
    const { clock } = this.tools;
    const signal = this.#stop.signal;
    let waitMs = RENEW_MS;
    while (!signal.aborted) {
      await clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#renew(this.#store as ServingStore);
        waitMs = RENEW_MS;
      } catch (error) {
        this.#failed(error);
        waitMs = RETRY_MS;
      }
    }
  }

  #failed(error: unknown): void {
    const text = `this server's place in the storage could not be renewed: ${errorMessage(error)}`;
    // While the storage is away this is known already.
    this.tools.log[hasCode(error, "unavailable") ? "debug" : "warn"](text);
  }
}

async function standingOf(storage: Storage, epoch: number): Promise<Standing> {
  const mark = (await readMark(storage))?.value;
  if (mark && mark.epoch !== epoch) return "moved";
  const record = (await readRecord(storage))?.value;
  if (!record || record.epoch <= epoch) return "here";
  if (record.phase === "committed") return "moved";
  return record.phase === "freezing" || record.phase === "frozen" ? "undecided" : "here";
}
