import { setTimeout as pause } from "node:timers/promises";
import { errorCode, notFound, type Storage } from "@teleport/plugin";
import { encode, readRecord, RECORD_KEY, type MigrationRecord } from "./records.js";
import type { MigrationTools } from "./tools.js";

const ATTEMPTS = 50;
const RETRY_MS = 100;
const REASON_CHARACTERS = 500;

/**
 * Writes into the store that a cluster is leaving that it stays. Returns the record as it is then: `aborted`, or
 * `committed` where it was too late. Throws `not_found` where there is no such migration, and `unavailable`.
 */
export async function abortRecord(
  source: Storage,
  id: string,
  reason: string,
  { clock }: Pick<MigrationTools, "clock">,
): Promise<MigrationRecord> {
  for (let attempt = 1; ; attempt++) {
    try {
      const stored = await readRecord(source);
      if (stored?.value.id !== id) throw notFound("there is no such migration any more");
      if (stored.value.phase === "aborted" || stored.value.phase === "committed") return stored.value;
      const aborted: MigrationRecord = {
        ...stored.value,
        phase: "aborted",
        changedAt: clock.now().toISOString(),
        reason: reason.slice(0, REASON_CHARACTERS),
      };
      await source.compareAndSwap({ key: RECORD_KEY, value: encode(aborted) }, stored.revision);
      return aborted;
    } catch (error) {
      const code = errorCode(error);
      const again = code === "compare_failed" || code === "unavailable";
      if (!again || attempt === ATTEMPTS) throw error;
    }
    await pause(RETRY_MS);
  }
}
