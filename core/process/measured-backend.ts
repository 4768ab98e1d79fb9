import type { Settings } from "../config/settings.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Storage } from "../plugin/storage.js";
import { keyShape } from "../resources/key-shape.js";
import { measured } from "../storage/measured-storage.js";
import { slowOperationLog } from "../storage/slow-operations.js";
import type { Metrics } from "./metrics.js";

/** What {@link measuredBackend} needs besides the storage. */
export interface MeasuredBackendContext {
  readonly settings: Pick<Settings, "debug" | "storage">;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * One instance of a backend, with its metrics and its log of slow operations. `type` is the backend's, which may differ
 * from the configured one while a cluster moves.
 */
export function measuredBackend(
  storage: Storage,
  type: string,
  { settings, metrics, log, clock }: MeasuredBackendContext,
): Storage {
  const ours = metrics.ofStorage({ type, ...(settings.debug && { keyShape }) });
  const slow = slowOperationLog({
    thresholdMs: settings.storage.slowOperationThresholdMs,
    backend: type,
    keyShape,
    log: log.child("storage"),
    clock,
    onSlow: ours?.slow,
  });
  return measured(storage, [slow, ...(ours ? [ours.meter] : [])]);
}
