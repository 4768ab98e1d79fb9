import { unavailable, type Clock } from "@teleport/plugin";
import type { Cluster } from "./cluster.js";
import { leaseNumber } from "./expiry-lease.js";
import { callFailure } from "./failure.js";

/** Leases remembered before those that have run out are looked for. */
const SWEEP_AT = 256;
const ATTEMPTS = 5;

interface Granted {
  readonly lease: Promise<string>;
  /** When etcd ends the lease, on the monotonic clock, in milliseconds. */
  readonly endsMs: number;
}

/**
 * The leases that our items hang on: one for all items of this process that expire in the same second, so that most
 * writes need no grant. A lease is never given back; it runs out with its items.
 */
export class LeaseBook {
  readonly #granted = new Map<number, Granted>();

  constructor(
    private readonly cluster: Cluster,
    private readonly clock: Clock,
  ) {}

  /** A lease that ends at a unix second in the future, or a little later. Rejects with a call failure. */
  lease(second: number): Promise<string> {
    const leftMs = second * 1000 - this.clock.now().getTime();
    const known = this.#granted.get(second);
    // Where the clock was put back, a lease for the same second ends too early.
    if (known && known.endsMs - performance.now() > leftMs - 1000) return known.lease;
    if (this.#granted.size >= SWEEP_AT) this.#sweep();
    const ttlS = Math.max(1, Math.ceil(leftMs / 1000));
    const lease = this.#grant(second, ttlS);
    const granted = { lease, endsMs: performance.now() + ttlS * 1000 };
    this.#granted.set(second, granted);
    lease.catch(() => this.#drop(second, granted));
    return lease;
  }

  /** etcd does not know the lease for this second any more: the next use grants another one. */
  forget(second: number): void {
    this.#granted.delete(second);
  }

  async #grant(second: number, ttlS: number): Promise<string> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const ID = leaseNumber(second, Math.random());
      try {
        await this.cluster.call("leaseGrant", { ID, TTL: String(ttlS) });
        return ID;
      } catch (error) {
        // Made by an attempt of ours without an answer, or by another process whose clock may differ: take another.
        if (callFailure(error, "etcd").kind !== "lease_exists") throw error;
      }
    }
    throw unavailable("etcd has every lease number that was tried; try again", { retryAfterMs: 1000 });
  }

  #drop(second: number, granted: Granted): void {
    if (this.#granted.get(second) === granted) this.#granted.delete(second);
  }

  #sweep(): void {
    for (const [second, { endsMs }] of this.#granted) {
      if (endsMs < performance.now()) this.#granted.delete(second);
    }
  }
}
