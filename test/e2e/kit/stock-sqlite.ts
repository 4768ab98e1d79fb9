/** Databases in the schema of 4.2, as its daemon leaves them. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { openStock } from "../../plugins/backend-dir/stock-database.js";
import { STOCK_HOSTS, stockProcessRows, type StockRow } from "./stock-rows.js";

/** 4.2's text form of a moment in SQLite. */
const FORMAT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?\+00:00$/;

/** Writes rows as 4.2 does, each with the row of `events` that tells of it. */
export function writeStockDatabase(directory: string, rows: readonly StockRow[]): void {
  const database = openStock(directory);
  const modified = BigInt(Date.parse("2026-11-22T11:10:00Z")) * 1_000_000n;
  const put = database.prepare("INSERT INTO kv (key, modified, expires, value) VALUES (?, ?, ?, ?)");
  const tell = database.prepare(
    "INSERT INTO events (type, created, kv_key, kv_modified, kv_expires, kv_value) VALUES ('1', ?, ?, ?, ?, ?)",
  );
  for (const { key, value, expires } of rows) {
    const text = expires === undefined ? null : textOf(expires);
    put.run(key, modified, text, value);
    tell.run("2026-11-22 11:10:00+00:00", key, modified, text, value);
  }
  database.close();
}

/** Makes the data directory of a host of the stock cluster: its UUID and its identities. */
export function writeStockHost(dataDir: string, host: keyof typeof STOCK_HOSTS): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(dataDir, "host_uuid"), STOCK_HOSTS[host], { mode: 0o400 });
  writeStockDatabase(path.join(dataDir, "proc"), stockProcessRows(host));
}

/** Reads all rows of a database that nobody writes to, and refuses a storage class that 4.2 does not expect. */
export function readStockDatabase(directory: string): StockRow[] {
  const database = new Database(path.join(directory, "sqlite.db"), { readonly: true });
  try {
    const rows = database
      .prepare(
        "SELECT key, value, expires, typeof(key) || ',' || typeof(modified) || ',' || typeof(value) AS types FROM kv",
      )
      .all() as { key: string; value: Buffer; expires: string | null; types: string }[];
    return rows.map(({ key, value, expires, types }) => {
      if (types !== "text,integer,blob") throw new Error(`${key} is stored as ${types}`);
      if (expires !== null && !FORMAT.test(expires)) throw new Error(`${key} expires at ${expires}`);
      return { key, value, expires: expires === null ? undefined : new Date(expires.replace(" ", "T")) };
    });
  } finally {
    database.close();
  }
}

function textOf(moment: Date): string {
  return moment
    .toISOString()
    .replace("T", " ")
    .replace(/\.?0*Z$/, "+00:00");
}
