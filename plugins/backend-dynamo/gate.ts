/** Requests that may start in one turn of the event loop. */
const STARTS_PER_TURN = 4;

interface Waiting {
  readonly go: () => void;
}

/**
 * Lets a limited number of requests go at once, and a few in each turn of the event loop; the others wait in order.
 * Signing and encoding a request costs a good part of a millisecond, so that many started in one turn hold it up.
 */
export class Gate {
  #free: number;
  #starts = STARTS_PER_TURN;
  #refilling = false;
  readonly #waiting = new Set<Waiting>();

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Waits for a place. Rejects with the signal's reason. Each place taken must be given back by {@link leave}. */
  enter(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const waiting: Waiting = {
        go: () => {
          this.#waiting.delete(waiting);
          signal.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      const giveUp = (): void => {
        this.#waiting.delete(waiting);
        reject(signal.reason as Error);
      };
      this.#waiting.add(waiting);
      signal.addEventListener("abort", giveUp, { once: true });
      this.#admit();
    });
  }

  /** Gives a place back. */
  leave(): void {
    this.#free++;
    this.#admit();
  }

  #admit(): void {
    for (const { go } of this.#waiting) {
      if (this.#free === 0 || this.#starts === 0) {
        break;
      }
      this.#free--;
      this.#starts--;
      go();
    }
    if (this.#starts < STARTS_PER_TURN && !this.#refilling) {
      this.#refilling = true;
      setImmediate(() => {
        this.#refilling = false;
        this.#starts = STARTS_PER_TURN;
        this.#admit();
      });
    }
  }
}
