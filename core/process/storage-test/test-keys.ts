/** The keys that `teleport plugin test` works with: a folder of its own, and nothing else is touched. */
import { EXTENSION_KEYS } from "../../grammar/extension-keys.js";
import { hasCode } from "../../errors/error.js";
import { prefixRange, type KeyRange, type Storage } from "../../plugin/storage.js";

/** The folder of all test runs. */
export const TEST_KEYS = `${EXTENSION_KEYS}/plugin-test/`;

/** Every printable key. */
const EVERYTHING: KeyRange = { start: " ", end: "\u{10ffff}" };
/** A run that is older than this has ended without cleaning up: it was killed. */
const ABANDONED_MS = 24 * 3_600_000;

/** The folder of a run that starts now; `random` tells runs of one moment apart. */
export function runFolder(startMs: number, random: string): string {
  return `${TEST_KEYS}${startMs}-${random}/`;
}

/** A key of the storage that is not a test's, undefined where there is none. */
export async function foreignKey(storage: Storage): Promise<string | undefined> {
  for await (const { key } of storage.range(EVERYTHING)) {
    if (!key.startsWith(TEST_KEYS)) {
      return key;
    }
  }
  return undefined;
}

/** Removes what runs have left that were killed more than a day ago. */
export async function removeAbandoned(storage: Storage, nowMs: number): Promise<void> {
  const abandoned = new Set<string>();
  for await (const { key } of storage.range(prefixRange(TEST_KEYS))) {
    const run = key.startsWith(TEST_KEYS) && /^\d+-[^/]*\//.exec(key.slice(TEST_KEYS.length))?.[0];
    if (run && Number.parseInt(run, 10) < nowMs - ABANDONED_MS) {
      abandoned.add(run);
    }
  }
  for (const run of abandoned) {
    await removeAll(storage, `${TEST_KEYS}${run}`);
  }
}

/**
 * Removes everything below a folder, one by one where the storage's deleteRange has left some. A key of others that a
 * defective range yields stays.
 */
export async function removeAll(storage: Storage, folder: string): Promise<void> {
  await storage.deleteRange(prefixRange(folder));
  for await (const { key } of storage.range(prefixRange(folder))) {
    if (!key.startsWith(folder)) continue;
    await storage.delete(key).catch((error: unknown) => {
      if (!hasCode(error, "not_found")) {
        throw error;
      }
    });
  }
}
