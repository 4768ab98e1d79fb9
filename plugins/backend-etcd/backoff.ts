import type { Clock } from "@teleport/plugin";

const FIRST_MS = 20;
const LONGEST_MS = 1000;

/** Pauses between attempts: exponential, capped, with full jitter, so that many clients do not come back at once. */
export class Backoff {
  #attempts = 0;

  constructor(
    private readonly clock: Clock,
    private readonly longestMs = LONGEST_MS,
  ) {}

  /** Waits before the next attempt. Rejects with the signal's reason when aborted. */
  async pause(signal?: AbortSignal): Promise<void> {
    const limitMs = Math.min(FIRST_MS * 2 ** this.#attempts, this.longestMs);
    this.#attempts = Math.min(this.#attempts + 1, 16);
    await this.clock.sleep(Math.ceil(Math.random() * limitMs), signal);
  }

  /** An attempt went well: the next pause is short again. */
  reset(): void {
    this.#attempts = 0;
  }
}
