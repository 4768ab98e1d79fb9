import { systemClock, type Clock } from "../clock.js";

/** The clock of the machine, which a test can put forward or back. Sleeping takes as long as ever. */
export class ShiftedClock implements Clock {
  #shiftMs = 0;

  now(): Date {
    return new Date(Date.now() + this.#shiftMs);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  /** Puts the clock forward, or back where `ms` is negative. */
  shift(ms: number): void {
    this.#shiftMs += ms;
  }
}
