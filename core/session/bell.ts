/** Wakes all who wait, and can be rung again. */
export class Bell {
  #ring: () => void = () => undefined;
  #rung: Promise<void>;

  constructor() {
    this.#rung = this.#next();
  }

  /** Resolves at the next ring. */
  next(): Promise<void> {
    return this.#rung;
  }

  ring(): void {
    const ring = this.#ring;
    this.#rung = this.#next();
    ring();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#ring = resolve;
    });
  }
}
