import type { Clock } from "@teleport/plugin";
import type { Cluster } from "./cluster.js";
import { secondOfLease } from "./expiry-lease.js";

/** Leases remembered. */
const LIMIT = 20_000;

/**
 * When the items of a lease expire, as a unix second. Our own lease numbers say it; of others, which 4.2 has made, etcd is
 * asked once, for all leases of a page or message at the same time. 4.2 never prolongs a lease, so the answer stays.
 */
export class LeaseExpiry {
  readonly #known = new Map<string, number | Promise<number> | undefined>();

  constructor(
    private readonly cluster: Cluster,
    private readonly clock: Clock,
  ) {}

  /** Undefined for `0`, which is no lease. A promise where etcd has to be asked; it rejects with a call failure. */
  second(lease: string): number | Promise<number> | undefined {
    if (lease === "0") return undefined;
    const known = this.#known.get(lease);
    if (known !== undefined) return known;
    if (this.#known.size >= LIMIT) this.#known.clear();
    const second = secondOfLease(lease) ?? this.#ask(lease);
    this.#known.set(lease, second);
    return second;
  }

  async #ask(lease: string): Promise<number> {
    try {
      const { TTL } = await this.cluster.call("leaseTimeToLive", { ID: lease });
      const second = Number(TTL) > 0 ? Math.ceil(this.clock.now().getTime() / 1000 + Number(TTL)) : 0;
      this.#known.set(lease, second);
      return second;
    } catch (error) {
      this.#known.delete(lease);
      throw error;
    }
  }
}
