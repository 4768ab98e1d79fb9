/** Measurements of the cluster's storage, as administrators ask for them: one at a time in the whole cluster, and audited. */
import { randomUUID } from "node:crypto";
import { auditEvent } from "../audit/catalogue.js";
import { badParameter, errorChain, hasCode, limitExceeded, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { Revision, Storage } from "../plugin/storage.js";
import { below, keys } from "../resources/keys.js";
import type { StorageBenchReport, StorageBenchRequest } from "../resources/storage-bench.js";
import { benchItems, benchStorage } from "../storage/storage-bench.js";
import type { AuditTrail } from "./audit-trail.js";

/** Bounds of a request. The longest is shorter than clients wait for an answer. */
const LIMITS: Readonly<Record<keyof StorageBenchRequest, readonly [number, number]>> = {
  duration_ms: [1_000, 20_000],
  in_flight: [1, 64],
  value_bytes: [1, 65_536],
};
/** Past its time by this, a measurement is given up. */
const GRACE_MS = 8_000;
/** When what a crash has left behind is gone, the mark that one is under way included. */
const LEFT_OVER_MS = 60_000;

/** Measures the storage. */
export interface StorageBenches {
  /**
   * Throws `bad_parameter` for a request out of bounds, `limit_exceeded` while another measurement runs anywhere in the
   * cluster, and `unavailable` where the storage does not answer in time. `by` is the user who asks, where a user does.
   */
  run(request: StorageBenchRequest, by?: string): Promise<StorageBenchReport>;
}

/** Measurements of one auth server. */
export function createStorageBenches(context: {
  readonly storage: Storage;
  readonly storageType: () => string;
  readonly hostname: string;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Logger;
}): StorageBenches {
  const { storage, storageType, hostname, audit, clock, log } = context;
  const measure = async (request: StorageBenchRequest): Promise<StorageBenchReport> => {
    const prefix = keys.storageBench(randomUUID());
    const expires = new Date(clock.now().getTime() + LEFT_OVER_MS);
    const over = new AbortController();
    const answered = new AbortController();
    const late = clock.sleep(request.duration_ms + GRACE_MS, answered.signal).then(() => {
      const error = unavailable("the storage did not answer in time: see the log of the auth server");
      over.abort(error);
      throw error;
    });
    late.catch(() => undefined);
    const running = benchStorage(storage, request, { clock, prefix, expires, signal: over.signal });
    running.catch(() => undefined);
    try {
      const phases = await Promise.race([running, late]);
      return {
        backend: storageType(),
        server: hostname,
        value_bytes: request.value_bytes,
        range_items: benchItems(request),
        phases,
      };
    } finally {
      answered.abort();
      // Not waited for where the storage hangs: what is left then expires.
      const cleaned = storage.deleteRange(below(prefix)).catch((error: unknown) => {
        log.warn("items of a storage bench could not be removed; they expire in a minute", {
          error: errorChain(error),
        });
      });
      if (!over.signal.aborted) await cleaned;
    }
  };
  const begin = async (): Promise<Revision> => {
    const expires = new Date(clock.now().getTime() + LEFT_OVER_MS);
    try {
      return await storage.create({ key: keys.storageBenchMark, value: Buffer.from(hostname), expires });
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
      throw limitExceeded("another storage bench is running in this cluster: try again in a minute", {
        cause: error,
      });
    }
  };
  return {
    async run(input, by) {
      const request = checked(input);
      const mark = await begin();
      try {
        await audit.emit(
          auditEvent("storageBench", "success", {
            backend: storageType(),
            duration_ms: request.duration_ms,
            in_flight: request.in_flight,
            value_bytes: request.value_bytes,
            user: by,
          }),
        );
        return await measure(request);
      } finally {
        await storage.delete(keys.storageBenchMark, mark).catch((error: unknown) => {
          log.warn("the mark of a storage bench could not be removed; it expires in a minute", {
            error: errorChain(error),
          });
        });
      }
    },
  };
}

function checked(request: StorageBenchRequest): StorageBenchRequest {
  for (const [field, [least, most]] of Object.entries(LIMITS)) {
    const value = request[field as keyof StorageBenchRequest];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw badParameter(`${field} of a storage bench must be a whole number from ${least} to ${most}`);
    }
  }
  return request;
}
