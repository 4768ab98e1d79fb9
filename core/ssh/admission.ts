/** Which connections a server takes on: like sshd's MaxStartups, so that strangers cannot keep users out. */

/** The numbers that admission goes by. */
export interface AdmissionLimits {
  readonly maxUnauthenticated: number;
  readonly maxPerAddress: number;
}

/** A place that a connection holds. */
export interface Admission {
  /** The connection has authenticated. */
  authenticated(): void;
  /** The connection is gone. Idempotent. */
  release(): void;
}

/** Counts connections. Where too many are unauthenticated, the oldest of them gives way, since real clients are quick. */
export class AdmissionControl {
  readonly #limits: AdmissionLimits;
  readonly #perAddress = new Map<string, number>();
  /** In the order of arrival. */
  readonly #unauthenticated = new Set<() => void>();

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** A place for a connection from this address, or undefined where it has too many. `evict` ends it before its login. */
  admit(host: string, evict: () => void): Admission | undefined {
    const count = this.#perAddress.get(host) ?? 0;
    if (count >= this.#limits.maxPerAddress) return undefined;
    this.#perAddress.set(host, count + 1);
    const mine = (): void => evict();
    this.#unauthenticated.add(mine);
    if (this.#unauthenticated.size > this.#limits.maxUnauthenticated) this.#evictOldest();
    let released = false;
    return {
      authenticated: () => this.#unauthenticated.delete(mine),
      release: () => {
        if (released) return;
        released = true;
        this.#unauthenticated.delete(mine);
        const left = (this.#perAddress.get(host) ?? 1) - 1;
        if (left > 0) this.#perAddress.set(host, left);
        else this.#perAddress.delete(host);
      },
    };
  }

  #evictOldest(): void {
    for (const evict of this.#unauthenticated) {
      this.#unauthenticated.delete(evict);
      evict();
      return;
    }
  }
}
