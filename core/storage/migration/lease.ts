import { setTimeout as pause } from "node:timers/promises";
import { errorMessage, hasCode, unavailable, type Storage } from "@teleport/plugin";
import type { ServingStore } from "../switchable-storage.js";
import { announceMember, LEASE_MS, RENEW_MS, type Acknowledgement } from "./members.js";
import { readMark, readRecord } from "./records.js";
import type { MigrationTools } from "./tools.js";

const RETRY_MS = 1_000;
const POLL_MS = 50;

/** Where a cluster is, seen from a store that was it. */
type Standing = "here" | "undecided" | "moved";

/**
 * This host's right to acknowledge writes to the store. A migration waits for everyone whose lease runs; so a process
 * that was stopped for longer than its lease must look, before it acknowledges, whether the cluster is still there.
 */
export class StoreLease {
  readonly #stop = new AbortController();
  #store: ServingStore | undefined;
  #ack: Acknowledgement | undefined;
  #validUntilMs = -Infinity;

  constructor(
    private readonly tools: Pick<MigrationTools, "host" | "clock" | "log">,
    /** Milliseconds of a clock that is never put back. */
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /** Takes the lease of a store and renews it from now on. Throws where the store does not take it. */
  async hold(store: ServingStore, ack?: Acknowledgement): Promise<void> {
    const first = this.#store === undefined;
    this.#store = store;
    this.#ack = ack;
    this.#validUntilMs = -Infinity;
    await this.#renew(store);
    if (first) void this.#renewForever();
  }

  /** Says in the lease how far this host follows a migration. */
  async acknowledge(ack: Acknowledgement): Promise<void> {
    this.#ack = ack;
    if (this.#store) await announceMember(this.#store.storage, this.tools.host, this.tools.clock, ack);
  }

  /** Returns where a write that has just ended may be acknowledged. Throws `unavailable` where its fate is unknown. */
  confirm(store: ServingStore): Promise<void> | void {
    const valid = this.#store === undefined || this.monotonicMs() < this.#validUntilMs;
    return valid ? undefined : this.#reconfirm(store);
  }

  /** Stops renewing; the lease runs out. */
  end(): void {
    this.#stop.abort();
  }

  async #reconfirm(store: ServingStore): Promise<void> {
    for (;;) {
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
    await announceMember(store.storage, this.tools.host, this.tools.clock, this.#ack);
    const standing = await standingOf(store.storage, store.epoch);
    const frozen = standing === "undecided" && this.#ack?.phase === "freezing";
    if (standing === "here" || frozen) this.#validUntilMs = startedMs + LEASE_MS;
    return standing;
  }

  async #renewForever(): Promise<void> {
    const { clock, log } = this.tools;
    const signal = this.#stop.signal;
    let waitMs = RENEW_MS;
    while (!signal.aborted) {
      await clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#renew(this.#store as ServingStore);
        waitMs = RENEW_MS;
      } catch (error) {
        const text = `this server's place in the storage could not be renewed: ${errorMessage(error)}`;
        // While the storage is away this is known already.
        log[hasCode(error, "unavailable") ? "debug" : "warn"](text);
        waitMs = RETRY_MS;
      }
    }
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
