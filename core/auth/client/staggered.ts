import { errorMessage, hasCode, unavailable } from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";

/** One of several ways to the same thing. */
export interface Attempt<T> {
  /** How failures name it, where they do not name it themselves. */
  readonly name?: string;
  /** Begins. What comes too late is for {@link StaggeredOptions.discard}; aborted when another was first. */
  readonly begin: (signal: AbortSignal) => Promise<T>;
}

/** How attempts are made. */
export interface StaggeredOptions<T> {
  /** How long one may take before the next one begins beside it. */
  readonly stepMs: number;
  readonly clock: Clock;
  /** Takes what another attempt was faster than. */
  readonly discard: (result: T) => void;
}

/**
 * The first attempt that succeeds. They begin in order: each when the one before has failed, or takes long (as Happy
 * Eyeballs do, RFC 8305). An attempt that fails by anything but `unavailable` ends the search. Throws `unavailable` with
 * all failures where none succeeds.
 */
export function staggered<T>(attempts: readonly Attempt<T>[], options: StaggeredOptions<T>): Promise<T> {
  const { stepMs, clock, discard } = options;
  const over = new AbortController();
  const failures: string[] = [];
  return new Promise<T>((resolve, reject) => {
    let next = 0;
    let running = 0;
    const finish = (settle: () => void): void => {
      over.abort(unavailable("another server was faster"));
      settle();
    };
    const beginNext = (): void => {
      const attempt = attempts[next];
      if (over.signal.aborted || attempt === undefined) return;
      next++;
      running++;
      const isLast = next === attempts.length;
      let isPast = false;
      const goOn = (): void => {
        if (isPast) return;
        isPast = true;
        beginNext();
      };
      if (!isLast) void clock.sleep(stepMs, over.signal).then(goOn, () => undefined);
      attempt.begin(over.signal).then(
        (result) => {
          if (over.signal.aborted) discard(result);
          else finish(() => resolve(result));
        },
        (error: unknown) => {
          running--;
          if (over.signal.aborted) return;
          if (!hasCode(error, "unavailable")) return finish(() => reject(error));
          failures.push(`${attempt.name === undefined ? "" : `${attempt.name}: `}${errorMessage(error)}`);
          goOn();
          if (running === 0) finish(() => reject(unavailable(failures.join("; "), { cause: error })));
        },
      );
    };
    if (attempts.length === 0) reject(unavailable("none is known"));
    else beginNext();
  });
}
