import type { Clock } from "../../../core/plugin/clock.js";
import { systemClock } from "../../../core/plugin/clock.js";

/** A clock that runs by itself, since a real service answers in real time, and can be put forward or back as well. */
export class AheadClock implements Clock {
  #aheadMs = 0;
  readonly #sleepers = new Set<() => void>();

  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const dueMs = this.now().getTime() + ms;
    for (let left = ms; left > 0; left = dueMs - this.now().getTime()) {
      const moved = new AbortController();
      const wake = (): void => moved.abort();
      this.#sleepers.add(wake);
      try {
        await systemClock.sleep(left, signal ? AbortSignal.any([signal, moved.signal]) : moved.signal);
        return;
      } catch (error) {
        if (!moved.signal.aborted || signal?.aborted) throw error;
      } finally {
        this.#sleepers.delete(wake);
      }
    }
  }

  /** Moves the time; whoever sleeps looks at the clock again. */
  advance(ms: number): Promise<void> {
    this.#aheadMs += ms;
    for (const wake of [...this.#sleepers]) wake();
    return Promise.resolve();
  }
}
