import { setImmediate as turn } from "node:timers/promises";
import type { CaseOutcome, ConformanceCase } from "./storage-conformance.js";

/** Options of {@link runCases}. */
export interface RunOptions {
  /** Called when a case has ended, with the time it took. */
  readonly onOutcome?: (testCase: ConformanceCase, outcome: CaseOutcome, ms: number) => void;
  /** Ends the run: what is under way ends, the rest is left out. */
  readonly signal?: AbortSignal;
}

/** How many cases that mostly wait run at once. */
const WAITING_AT_ONCE = 8;

/**
 * Runs cases one after the other; those that mostly wait run several at once, before the others. An error that the
 * backend throws where nobody can catch it fails the case under way (all of them, where they are several), instead of
 * ending the process.
 */
export async function runCases(cases: readonly ConformanceCase[], options: RunOptions = {}): Promise<void> {
  const strays = new StrayErrors();
  const runAll = async (some: readonly ConformanceCase[], width: number): Promise<void> => {
    const left = some.values();
    const worker = async (): Promise<void> => {
      for (const testCase of left) {
        if (options.signal?.aborted) {
          return;
        }
        const before = performance.now();
        const outcome = await strays.during(() => testCase.outcome());
        options.onOutcome?.(testCase, outcome, performance.now() - before);
      }
    };
    await Promise.all(Array.from({ length: width }, worker));
  };
  strays.listen();
  try {
    await runAll(
      cases.filter(({ waits }) => waits),
      WAITING_AT_ONCE,
    );
    await runAll(
      cases.filter(({ waits }) => !waits),
      1,
    );
  } finally {
    strays.stop();
  }
}

/** Errors that reach nobody: rejections without a handler, and exceptions out of timers and events. */
class StrayErrors {
  readonly #seen: unknown[] = [];
  readonly #note = (error: unknown): void => void this.#seen.push(error);

  listen(): void {
    process.on("unhandledRejection", this.#note);
    process.on("uncaughtException", this.#note);
  }

  stop(): void {
    process.off("unhandledRejection", this.#note);
    process.off("uncaughtException", this.#note);
  }

  async during(work: () => Promise<CaseOutcome>): Promise<CaseOutcome> {
    const before = this.#seen.length;
    const outcome = await work();
    // Rejections are reported when the microtasks have run.
    await turn();
    if (outcome.status === "failed" || this.#seen.length === before) {
      return outcome;
    }
    const cause = this.#seen[before];
    const error = new Error(`an error was thrown where nobody can catch it: ${String(cause)}`, { cause });
    return { status: "failed", error };
  }
}
