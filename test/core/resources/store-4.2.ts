import { readFileSync } from "node:fs";
import { fixture } from "../../kit/paths.js";
import type { NewItem } from "../../../core/plugin/storage.js";

/** One row of a store that stock 4.2.12 wrote: cluster `store.test`, users alice, bob (locked) and carol. */
export interface StoredRow {
  readonly key: string;
  readonly text: string;
  readonly item: NewItem;
}

/** The rows of the dump. The cluster was thrown away, so its secrets are worthless. */
export function readStore42(): StoredRow[] {
  return readStoredRows("resources", "store-4.2.jsonl");
}

/** The rows of a dump below test/fixtures. */
export function readStoredRows(...file: string[]): StoredRow[] {
  return readFileSync(fixture(...file), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { key: string; expires: string | null; value: { utf8: string } })
    .map(({ key, expires, value }) => ({
      key,
      text: value.utf8,
      item: {
        key,
        value: Buffer.from(value.utf8),
        // Dates keep milliseconds; the store has nanoseconds.
        expires:
          expires === null ? undefined : new Date(expires.replace(" ", "T").replace(/(\.\d{3})\d+/, "$1")),
      },
    }));
}
