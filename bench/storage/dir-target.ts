/** better-sqlite3 as it is: each write a transaction of its own, synced as ours are. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import type { BenchTarget } from "./target.js";

/** Two databases in one folder of the machine's temporary directory. */
export async function dirTarget(): Promise<BenchTarget> {
  const parent = await mkdtemp(path.join(tmpdir(), "teleport-bench-"));
  const db = new Database(path.join(parent, "raw.db"));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec("CREATE TABLE kv (key TEXT PRIMARY KEY, expires DATETIME, value BLOB)");
  const put = db.prepare("INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)");
  const get = db.prepare("SELECT key, expires, value FROM kv WHERE key = ?");
  const all = db.prepare("SELECT key, expires, value FROM kv WHERE key >= ? AND key < ? ORDER BY key");
  const key = (n: number): string => `/bench/${String(n).padStart(6, "0")}`;
  return {
    name: "dir",
    settings: { path: path.join(parent, "backend") },
    raw: {
      put: (n, value) => put.run(key(n), value),
      get: (n) => get.get(key(n)),
      range: () => all.all("/bench/", "/bench0").length,
    },
    watchBudgetMs: 100,
    sizes: { puts: 2_000, gets: 40_000 },
    async close() {
      db.close();
      await rm(parent, { recursive: true });
    },
  };
}
