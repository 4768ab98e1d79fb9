import { errorChain, errorCode } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";

/** How long a start waits for what it needs and is away. */
const PATIENCE_MS = 60_000;
const STEP_MS = 2_000;
/** A start that takes longer is told of: plugins wait for their servers, too. */
const SILENCE_MS = 5_000;

/** What waiting takes. */
export interface PatientStartOptions {
  /** How the log names what is waited for. */
  readonly what: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Ends the wait; the last failure is then thrown. */
  readonly stopping: AbortSignal;
}

/**
 * Starts something that rests on a plugin which may be away for the moment: a plugin's failure that comes of `unavailable`
 * is tried again every two seconds for a minute, with a WARN each time. Throws the last failure, and any other at once.
 */
export async function patientStart<T>(
  start: () => Promise<T>,
  { what, log, clock, stopping }: PatientStartOptions,
): Promise<T> {
  const giveUpAt = clock.now().getTime() + PATIENCE_MS;
  for (;;) {
    const settled = new AbortController();
    clock.sleep(SILENCE_MS, settled.signal).then(
      () => log.warn(`${what} does not answer yet; the start waits for it`),
      () => undefined,
    );
    try {
      return await start().finally(() => settled.abort(new Error("it has answered")));
    } catch (error) {
      const leftMs = giveUpAt - clock.now().getTime();
      if (!isAbsence(error) || leftMs <= 0 || stopping.aborted) throw error;
      log.warn(`${what} is away; the start waits for it`, {
        error: errorChain(error),
        leftSeconds: Math.round(leftMs / 1000),
      });
      await clock.sleep(STEP_MS, stopping).catch(() => undefined);
      if (stopping.aborted) throw error;
    }
  }
}

/** The host wraps what a plugin throws. */
function isAbsence(error: unknown): boolean {
  if (errorCode(error) !== "plugin") return false;
  for (let e: unknown = (error as Error).cause; e !== undefined && e !== null; e = (e as Error).cause) {
    if (errorCode(e) === "unavailable") return true;
  }
  return false;
}
