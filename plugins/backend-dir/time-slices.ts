/**
 * Runs small synchronous tasks without holding up the event loop: at once while they have taken little of the current
 * turn, else in order in the next turns.
 */
export class TimeSlices {
  #spentMs = 0;
  #turnComes = false;
  #waiting: (() => void)[] = [];

  /** `sliceMs`: how long tasks may take of one turn; the last of them may exceed it. */
  constructor(private readonly sliceMs: number) {}

  /** Whether a task would run at once. */
  get isFree(): boolean {
    return this.#waiting.length === 0 && this.#spentMs <= this.sliceMs;
  }

  /** Runs a task in this turn, whatever the turn has taken already; its time counts. */
  now<T>(task: () => T): T {
    const started = performance.now();
    try {
      return task();
    } finally {
      this.#spentMs += performance.now() - started;
      this.#expectTurn();
    }
  }

  /** Resolves with what the task returns, or rejects with what it throws. */
  run<T>(task: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const job = (): void => {
        try {
          resolve(this.now(task));
        } catch (error) {
          reject(error);
        }
      };
      if (this.isFree) {
        job();
      } else {
        this.#waiting.push(job);
        this.#expectTurn();
      }
    });
  }

  #expectTurn(): void {
    if (!this.#turnComes) {
      this.#turnComes = true;
      setImmediate(() => this.#turn());
    }
  }

  #turn(): void {
    this.#turnComes = false;
    this.#spentMs = 0;
    let done = 0;
    while (done < this.#waiting.length && this.#spentMs <= this.sliceMs) {
      this.#waiting[done++]?.();
    }
    this.#waiting.splice(0, done);
    if (this.#waiting.length > 0) {
      this.#expectTurn();
    }
  }
}
