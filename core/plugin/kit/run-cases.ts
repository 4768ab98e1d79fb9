import type { CaseOutcome, ConformanceCase } from "./storage-conformance.js";

/** Options of {@link runCases}. */
export interface RunOptions {
  /** Called before a case runs. */
  readonly onStart?: (testCase: ConformanceCase) => void;
  /** Called when a case has ended, with the time it took. */
  readonly onOutcome?: (testCase: ConformanceCase, outcome: CaseOutcome, ms: number) => void;
  /** Ends the run: what is under way ends, the rest is left out. */
  readonly signal?: AbortSignal;
}

/** How many cases that mostly wait run at once. */
const WAITING_AT_ONCE = 8;

/** Runs cases one after the other; those that mostly wait run several at once, before the others. */
export async function runCases(cases: readonly ConformanceCase[], options: RunOptions = {}): Promise<void> {
  const runAll = async (some: readonly ConformanceCase[], width: number): Promise<void> => {
    const left = some.values();
    const worker = async (): Promise<void> => {
      for (const testCase of left) {
        if (options.signal?.aborted) {
          return;
        }
        options.onStart?.(testCase);
        const before = performance.now();
        const outcome = await testCase.outcome();
        options.onOutcome?.(testCase, outcome, performance.now() - before);
      }
    };
    await Promise.all(Array.from({ length: width }, worker));
  };
  await runAll(
    cases.filter(({ waits }) => waits),
    WAITING_AT_ONCE,
  );
  await runAll(
    cases.filter(({ waits }) => !waits),
    1,
  );
}
