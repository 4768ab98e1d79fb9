import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.js";

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start: Date = new Date("2026-01-01T00:00:00Z")) {
    this.#nowMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const sleeper: Sleeper = {
        dueMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason as Error);
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /**
   * Moves the time and wakes, in order, everyone whose time has come; each gets a turn of the event loop to go to
   * sleep again. A negative step puts the clock back, which wakes nobody.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#sleepers].sort((a, b) => a.dueMs - b.dueMs).find(({ dueMs }) => dueMs <= target);
      if (!due) {
        break;
      }
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.wake();
      await turn();
    }
    this.#nowMs = target;
  }
}
