import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";

/** The statements with which 4.2 creates its database (storage.md §2.1). */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS kv (key TEXT NOT NULL PRIMARY KEY, modified INTEGER NOT NULL, expires DATETIME, value BLOB);
  CREATE INDEX IF NOT EXISTS kv_expires ON kv (expires);
  CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, type TEXT NOT NULL, created INTEGER NOT NULL,
    kv_key TEXT NOT NULL, kv_modified INTEGER NOT NULL, kv_expires DATETIME, kv_value BLOB);
  CREATE INDEX IF NOT EXISTS events_created ON events (created);
  CREATE TABLE IF NOT EXISTS meta (version INTEGER NOT NULL, imported BOOLEAN NOT NULL);`;

/** Opens the database as a daemon of 4.2 does, which turns the write-ahead log off. */
export function openStock(directory: string): Database.Database {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const db = new Database(join(directory, "sqlite.db"));
  db.pragma("journal_mode = DELETE");
  db.pragma("synchronous = OFF");
  db.exec(SCHEMA);
  return db;
}

/** Writes a row as 4.2's Put does. */
export function putStock(
  db: Database.Database,
  key: string,
  value: string,
  expires: string | null = null,
): void {
  const modified = BigInt(Date.now()) * 1_000_000n;
  db.prepare("INSERT OR REPLACE INTO kv (key, modified, expires, value) VALUES (?, ?, ?, ?)").run(
    ...[key, modified, expires, Buffer.from(value)],
  );
  db.prepare(
    "INSERT INTO events (type, created, kv_key, kv_modified, kv_expires, kv_value) VALUES ('1', ?, ?, ?, ?, ?)",
  ).run("2026-01-01 00:00:00+00:00", key, modified, expires, Buffer.from(value));
}
