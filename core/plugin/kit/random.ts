/** Random numbers that a seed repeats (mulberry32): a failure found by chance can be looked at again. */
export class Random {
  #state: number;

  /** `seed` is taken modulo 2³². */
  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to and without 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to and without `bound`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** One of several; `choices` must not be empty. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** One of several by its weight; all weights are positive. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.fraction() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      if ((left -= weight) < 0) {
        return choice;
      }
    }
    return (choices.at(-1) as readonly [number, T])[1];
  }
}
