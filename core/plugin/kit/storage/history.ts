/** What one key held at a moment; undefined where it was not there. */
export interface KeyState {
  readonly revision: string;
  readonly value: string;
  /** Unix milliseconds. */
  readonly expiresMs: number | undefined;
}

/** One call and its answer, as far as one key is concerned. */
export interface Step {
  readonly key: string;
  /** For messages: the call and its answer. */
  readonly label: string;
  /** When the call was made and when it was answered, counted in calls and answers of the whole history. */
  readonly called: number;
  readonly answered: number;
  /** The revision that the call wrote, if any. */
  readonly wrote?: string;
  /** The revision that the call removed, where it named one. */
  readonly removed?: string;
  /** The state after the call, if it took effect on `before`; `"impossible"` where it cannot have been answered so. */
  readonly after: (before: KeyState | undefined) => KeyState | undefined | "impossible";
}

/** The calls of several concurrent callers, with their order in time. */
export class History {
  readonly steps: Step[] = [];
  #time = 0;

  /** The next moment. */
  tick(): number {
    return ++this.#time;
  }

  /** The steps of each key, in the order of their calls. */
  byKey(): Map<string, Step[]> {
    const steps = new Map<string, Step[]>();
    for (const step of [...this.steps].sort((a, b) => a.called - b.called)) {
      steps.set(step.key, [...(steps.get(step.key) ?? []), step]);
    }
    return steps;
  }
}
