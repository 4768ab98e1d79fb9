import { isAbsolute } from "node:path";
import { z } from "@teleport/plugin";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const duration = z
  .string()
  .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/, "must be a duration such as 1s or 500ms")
  .transform((text) =>
    [...text.matchAll(/([0-9.]+)(ms|s|m|h)/g)].reduce(
      (sum, [, number, unit]) => sum + Number(number) * (UNIT_MS[unit ?? ""] ?? 0),
      0,
    ),
  )
  .refine((ms) => ms >= 10, "must be at least 10ms");

/** The keys of `teleport.storage` with `type: dir`. Unlike 4.2, `sync` defaults to FULL: an acknowledged write is durable. */
export const dirSettings = z
  .strictObject({
    path: z.string().refine(isAbsolute, "must be an absolute path").optional(),
    sync: z
      .string()
      .transform((mode) => mode.toUpperCase())
      .pipe(z.enum(["OFF", "NORMAL", "FULL", "EXTRA"]))
      .default("FULL"),
    busy_timeout: z.number().int().min(0).max(600_000).default(10_000),
    poll_stream_period: duration.default(1000),
    buffer_size: z.number().int().min(1).max(1_000_000).default(1024),
  })
  .transform((keys) => ({
    directory: keys.path,
    sync: keys.sync,
    busyTimeoutMs: keys.busy_timeout,
    pollPeriodMs: keys.poll_stream_period,
    bufferSize: keys.buffer_size,
  }));

/** How far a commit reaches before it is acknowledged: SQLite's `synchronous` modes. */
export type SyncMode = "OFF" | "NORMAL" | "FULL" | "EXTRA";
