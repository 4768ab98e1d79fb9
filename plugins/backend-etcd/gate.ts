/** Calls under way at once. More make etcd little faster, and their answers may all come in one turn of the event loop. */
const LIMIT = 48;
/** Calls begun before the event loop gets its turn: each costs a good part of a millisecond to encode and send. */
const STARTS_PER_TURN = 8;

/** Lets calls through a few at a time, in order, so that a thousand at once do not hold up the event loop. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #next = 0;
  #running = 0;
  #started = 0;
  #turning = false;

  /** Runs a call when it is its turn. */
  async pass<T>(call: () => Promise<T>): Promise<T> {
    if (this.#full || this.#next < this.#waiting.length) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#begin();
    }
    try {
      return await call();
    } finally {
      this.#running--;
      this.#release();
    }
  }

  get #full(): boolean {
    return this.#running >= LIMIT || this.#started >= STARTS_PER_TURN;
  }

  #begin(): void {
    this.#running++;
    this.#started++;
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(() => {
      this.#turning = false;
      this.#started = 0;
      this.#release();
    });
  }

  #release(): void {
    while (!this.#full && this.#next < this.#waiting.length) {
      const start = this.#waiting[this.#next++];
      this.#begin();
      start?.();
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = this.#next = 0;
    }
  }
}
