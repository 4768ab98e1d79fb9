import type { Clock, Logger } from "@teleport/plugin";
import type { MeasuredVerb, StorageMeter } from "./measured-storage.js";

/** Most lines of one window; the others are counted. */
const LINES = 10;
const WINDOW_MS = 60_000;

/** What {@link slowOperationLog} needs. */
export interface SlowOperationLogOptions {
  /** Operations that take longer are slow. 0: none is. */
  readonly thresholdMs: number;
  /** The type of the backend, as `storage.type` says. */
  readonly backend: string;
  /** What of a key may be read in a log: no names, no secrets. */
  readonly keyShape: (key: string) => string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Is told of every slow operation, also where it is not logged. */
  readonly onSlow?: ((verb: MeasuredVerb) => void) | undefined;
}

/**
 * A meter that logs slow operations: ten a minute at most. How many more there were stands in a line of its own, at the
 * first operation after that minute.
 */
export function slowOperationLog(options: SlowOperationLogOptions): StorageMeter {
  const { thresholdMs, backend, keyShape, log, clock, onSlow } = options;
  let windowEndsMs = 0;
  let lines = 0;
  let suppressed = 0;
  const turnWindow = (): void => {
    if (suppressed > 0) log.warn("more storage operations were slow", { backend, suppressed });
    suppressed = 0;
    lines = 0;
  };
  return {
    operation({ verb, key, seconds, code }) {
      const isSlow = thresholdMs > 0 && seconds * 1000 > thresholdMs;
      if (!isSlow && suppressed === 0) return;
      const nowMs = clock.now().getTime();
      // Also where the clock was set back: a window is never longer than it should be.
      const isOver = nowMs >= windowEndsMs || nowMs < windowEndsMs - WINDOW_MS;
      if (isOver) turnWindow();
      if (!isSlow) return;
      onSlow?.(verb);
      if (isOver) windowEndsMs = nowMs + WINDOW_MS;
      if (lines >= LINES) {
        suppressed++;
        return;
      }
      lines++;
      log.warn("a storage operation was slow; tctl storage bench shows what the backend can do", {
        backend,
        verb,
        key: keyShape(key),
        seconds: Number(seconds.toFixed(3)),
        ...(code !== undefined && { code }),
      });
    },
    watch: () => NO_WATCH,
  };
}

const NO_WATCH = { busy: () => undefined, reset: () => undefined, ended: () => undefined };
