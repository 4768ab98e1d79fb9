/** What a stock 4.2.12 cluster left in its stores; it was thrown away, so its secrets are worthless. */
import { readFileSync } from "node:fs";
import bcrypt from "bcrypt";
import { fixture } from "../../kit/paths.js";
import { PASSWORD } from "./users.js";

/** One row. */
export interface StockRow {
  readonly key: string;
  readonly value: Buffer;
  /** When the backend lets it expire. */
  readonly expires: Date | undefined;
}

/** Users of the root cluster with their TOTP secrets; all have the password of the other end-to-end tests. */
export const STOCK_USERS = { alice: "7QKUPN3UAM4TDOHH", bob: "ZOAPXIYERRHSO6PJ" } as const;

/** UUIDs of the hosts whose process stores there are. */
export const STOCK_HOSTS = {
  main: "9c9de091-2179-4478-a4de-bca36f7f76e8",
  node: "6b7ab022-7f59-40a6-bf98-99aa6d574ba1",
} as const;

/** A day on which no test runs. */
const LATER = new Date("2099-01-01T00:00:00Z");

/** What the backend alone lets expire, so that it can be kept past the day of the dump. */
const LIVES_ON = /^\/(access_requests|plugin_data|web\/connectors\/\w+\/requests|addusertokens)\//;

/**
 * The state of the root cluster `store.test`, with the rare keys that 4.2's own code wrote beside it. The passwords of
 * the dump are not known: hashes as 4.2 makes them, of a password of ours, stand in their place.
 */
export function stockRows(): StockRow[] {
  const hash = bcrypt.hashSync(PASSWORD, 10).replace(/^\$2b\$/, "$2a$");
  return [...readRows("resources", "store-4.2.jsonl"), ...readRows("store-4.2", "rare-keys.jsonl")].map(
    (row) => ({
      ...row,
      ...(/\/pwd$/.test(row.key) && { value: Buffer.from(hash) }),
      ...(LIVES_ON.test(row.key) && { expires: LATER }),
    }),
  );
}

/** The process store of a host. */
export function stockProcessRows(host: keyof typeof STOCK_HOSTS): StockRow[] {
  return readRows("store-4.2", `proc-${host}.jsonl`);
}

function readRows(...file: string[]): StockRow[] {
  return readFileSync(fixture(...file), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { key: string; expires: string | null; value: { utf8: string } })
    .map(({ key, expires, value }) => ({
      key,
      value: Buffer.from(value.utf8),
      expires:
        expires === null ? undefined : new Date(expires.replace(" ", "T").replace(/(\.\d{3})\d+/, "$1")),
    }));
}
