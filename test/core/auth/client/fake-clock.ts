import type { Clock } from "../../../../core/plugin/clock.js";

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/** A clock that stands still until told: `sleeping` tells a test that somebody waits, and for how long. */
export class FakeClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<Sleeper>();
  readonly #waiters = new Set<() => void>();

  constructor(now = new Date("2026-11-22T10:00:00Z")) {
    this.#now = now.getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason as Error);
      };
      const sleeper: Sleeper = {
        until: this.#now + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.add(sleeper);
      for (const waiter of [...this.#waiters]) waiter();
    });
  }

  /** Milliseconds that each sleeper still sleeps, once there are at least `count` of them. */
  async sleeping(count = 1): Promise<number[]> {
    while (this.#sleepers.size < count) {
      await new Promise<void>((resolve) => {
        const waiter = (): void => {
          this.#waiters.delete(waiter);
          resolve();
        };
        this.#waiters.add(waiter);
      });
    }
    return [...this.#sleepers].map(({ until }) => until - this.#now).sort((a, b) => a - b);
  }

  /** Moves the time and wakes whom it passes. */
  advance(ms: number): void {
    this.#now += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.until <= this.#now) sleeper.wake();
  }
}
