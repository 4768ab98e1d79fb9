import type { Database } from "better-sqlite3";

/** The tables of 4.2, which must be able to open the file again. */
const TABLES_OF_4_2 = `
  CREATE TABLE IF NOT EXISTS kv (
    key TEXT NOT NULL PRIMARY KEY,
    modified INTEGER NOT NULL,
    expires DATETIME,
    value BLOB);
  CREATE INDEX IF NOT EXISTS kv_expires ON kv (expires);
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    created INTEGER NOT NULL,
    kv_key TEXT NOT NULL,
    kv_modified INTEGER NOT NULL,
    kv_expires DATETIME,
    kv_value BLOB);
  CREATE INDEX IF NOT EXISTS events_created ON events (created);
  CREATE TABLE IF NOT EXISTS meta (
    version INTEGER NOT NULL,
    imported BOOLEAN NOT NULL);`;

/**
 * Our own table, with one row: `last` is the highest number ever given to a change, `purged` the highest whose
 * change is forgotten. Rows of `events` cannot tell either, since 4.2 empties that table and numbers it anew.
 */
const JOURNAL_TABLE = `
  CREATE TABLE IF NOT EXISTS journal (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL,
    purged INTEGER NOT NULL);
  INSERT OR IGNORE INTO journal (one, last, purged) VALUES (1, 0, 0);`;

/** The SQL expression of an item's revision in `kv`: our number is NULL where 4.2 wrote the row, `modified` changes in any case. */
export const KV_REVISION = "coalesce(revision, 0) || '-' || modified";

/** The same revision, from the row of `events` that recorded the write. */
export const EVENT_REVISION = "id || '-' || kv_modified";

/** The highest number given to a change so far, also by a 4.2 daemon that knows nothing of our journal. */
export const LAST_CHANGE = "SELECT max(last, (SELECT coalesce(max(id), 0) FROM events)) FROM journal";

/**
 * Makes the file ready for use: creates what is missing and switches to the write-ahead log.
 *
 * 4.2 always switches the file back to a rollback journal, so another mode than WAL says that it may have written
 * meanwhile and numbered its events as it liked. Then every cursor given out before is made invalid.
 */
export function prepareSchema(db: Database): void {
  const foreign = db.pragma("journal_mode", { simple: true }) !== "wal";
  db.transaction(() => {
    db.exec(TABLES_OF_4_2);
    const columns = db.pragma("table_info(kv)") as { name: string }[];
    if (!columns.some(({ name }) => name === "revision")) {
      db.exec("ALTER TABLE kv ADD COLUMN revision INTEGER");
    }
    db.exec(JOURNAL_TABLE);
    if (foreign) {
      db.exec(`UPDATE journal SET last = (${LAST_CHANGE}) + 1`);
      db.exec("UPDATE journal SET purged = last");
    }
  }).immediate();
  if (foreign) {
    db.pragma("journal_mode = WAL");
  }
}

/** The condition under which a row of `kv` is live; its parameter is the time as time-text.ts writes it. */
export const LIVE = "(expires IS NULL OR expires > ?)";
