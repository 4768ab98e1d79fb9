/** Writers are held back so far that what they make is copied twice as fast. */
const WRITES_PER_COPY = 0.5;

/** Slows writers down to a share of the pace at which their writes are copied to the target. */
export class WritePace {
  readonly #waiting: (() => void)[] = [];
  #slow = false;
  #credit = 0;

  /** Slows writers down from now on. */
  slowDown(): void {
    this.#slow = true;
  }

  /** Lets all writers go on. */
  letGo(): void {
    this.#slow = false;
    this.#credit = 0;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** What a writer has to wait for, in the order of the calls; nothing where nobody is slowed down. */
  turn(): Promise<void> | void {
    if (this.#slow) return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Something was copied: some who wait may go on. */
  copied(): void {
    this.#credit = Math.min(this.#credit + WRITES_PER_COPY, 1);
    if (this.#credit < 1) return;
    this.#credit = 0;
    this.#waiting.shift()?.();
  }
}
