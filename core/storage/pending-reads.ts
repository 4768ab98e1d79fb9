import type { Clock } from "@teleport/plugin";

interface Waiting {
  readonly reject: (error: unknown) => void;
}

/** Reads that wait for their answer. One timer serves all of them. */
export class PendingReads {
  readonly #waiting = new Set<Waiting>();
  #answers = 0;
  #watching = false;

  /** `onSilence` is called when none of the reads has been answered for `patienceMs`, and again for as long as that lasts. */
  constructor(
    private readonly options: {
      readonly patienceMs: number;
      readonly clock: Clock;
      readonly onSilence: () => void;
    },
  ) {}

  /** The answer, or what {@link failAll} is told. */
  wait<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { reject };
      this.#waiting.add(waiting);
      const settled = (): void => {
        this.#waiting.delete(waiting);
        this.#answers++;
      };
      answer.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error: unknown) => {
          settled();
          reject(error);
        },
      );
      if (!this.#watching) void this.#watch();
    });
  }

  /** Ends the wait of all reads under way; their answers are dropped. */
  failAll(error: unknown): void {
    for (const { reject } of [...this.#waiting]) reject(error);
    this.#waiting.clear();
  }

  async #watch(): Promise<void> {
    const { patienceMs, clock, onSilence } = this.options;
    this.#watching = true;
    while (this.#waiting.size > 0) {
      const before = this.#answers;
      await clock.sleep(patienceMs);
      if (this.#waiting.size > 0 && this.#answers === before) onSilence();
    }
    this.#watching = false;
  }
}
