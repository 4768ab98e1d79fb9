import type { Database, Statement } from "better-sqlite3";
import { alreadyExists, compareFailed, notFound } from "@teleport/plugin";
import { packFailure, storageFailure } from "./failure.js";
import { KV_REVISION, LAST_CHANGE, LIVE } from "./schema.js";
import { timeText } from "./time-text.js";
import type { WriteRequest, WriteResult } from "./write-request.js";

/** Most items that one sweep removes, so that other writes get their turn. */
const SWEEP_LIMIT = 1024;

/** Applies writes to the database, many in one transaction. Used on the writer thread only. */
export class BatchWriter {
  /** The number of the last change; read from the file when a transaction starts. */
  #last = 0;
  readonly #sql;

  constructor(
    private readonly db: Database,
    private readonly file: string,
    private readonly events: boolean,
  ) {
    const prepare = (sql: string): Statement<unknown[]> => db.prepare(sql);
    this.#sql = {
      last: prepare(LAST_CHANGE).pluck(),
      setLast: prepare("UPDATE journal SET last = ?"),
      revision: prepare(`SELECT ${KV_REVISION} FROM kv WHERE key = ? AND ${LIVE}`).pluck(),
      put: prepare(`INSERT INTO kv (key, modified, expires, value, revision) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (key) DO UPDATE SET modified = excluded.modified, expires = excluded.expires,
          value = excluded.value, revision = excluded.revision`),
      touch: prepare("UPDATE kv SET modified = ?, expires = ?, revision = ? WHERE key = ?"),
      delete: prepare("DELETE FROM kv WHERE key = ?"),
      inRange: prepare(`SELECT key, ${LIVE} AS live FROM kv WHERE key >= ? AND key < ?`),
      expired: prepare(`SELECT key FROM kv WHERE expires <= ? LIMIT ${SWEEP_LIMIT}`).pluck(),
      recordPut: prepare(`INSERT INTO events (id, type, created, kv_key, kv_modified, kv_expires, kv_value)
        SELECT ?, '1', ?, key, modified, expires, value FROM kv WHERE key = ?`),
      recordDelete: prepare(
        `INSERT INTO events (id, type, created, kv_key, kv_modified) VALUES (?, '2', ?, ?, ?)`,
      ),
      lastBefore: prepare("SELECT max(id) FROM events WHERE created <= ?").pluck(),
      purge: prepare("DELETE FROM events WHERE id <= ?"),
      setPurged: prepare("UPDATE journal SET purged = max(purged, ?)"),
    };
  }

  /**
   * Runs every request in one durable transaction; each has its own result. Throws only where a failed transaction
   * cannot be undone.
   */
  run(requests: readonly WriteRequest[]): WriteResult[] {
    try {
      this.db.exec("BEGIN IMMEDIATE");
      const before = this.#sql.last.get() as number;
      this.#last = before;
      const results = requests.map((request) => this.#isolated(request));
      if (this.#last !== before) {
        this.#sql.setLast.run(this.#last);
      }
      this.db.exec("COMMIT");
      return results;
    } catch (error) {
      if (this.db.inTransaction) {
        this.db.exec("ROLLBACK");
      }
      const failure = packFailure(storageFailure(error, this.file));
      return requests.map(() => ({ failure }));
    }
  }

  /** A request that fails leaves no trace and does not touch its neighbours. */
  #isolated(request: WriteRequest): WriteResult {
    this.db.exec("SAVEPOINT request");
    const last = this.#last;
    try {
      const result = this.#apply(request);
      this.db.exec("RELEASE request");
      return result;
    } catch (error) {
      // A full disk makes SQLite give up the whole transaction: then nobody's write has happened.
      if (!this.db.inTransaction) {
        throw error;
      }
      this.db.exec("ROLLBACK TO request; RELEASE request");
      this.#last = last;
      return { failure: packFailure(storageFailure(error, this.file)) };
    }
  }

  #apply(request: WriteRequest): WriteResult {
    switch (request.verb) {
      case "create":
        if (this.#revision(request.key, request.nowMs) !== undefined) {
          throw alreadyExists(`${request.key} already exists`);
        }
        return this.#put(request);
      case "put":
        return this.#put(request);
      case "update":
        this.#expect(request.key, request.nowMs, request.expected);
        return this.#put(request);
      case "compareAndSwap":
        if (this.#revision(request.key, request.nowMs) !== request.expected) {
          throw compareFailed(`${request.key} has been changed by someone else`);
        }
        return this.#put(request);
      case "keepAlive": {
        this.#expect(request.key, request.nowMs);
        const modified = this.#next(request.nowMs);
        this.#sql.touch.run(modified, timeText(request.expiresMs), this.#last, request.key);
        return this.#recordPut(request.key, request.nowMs, modified);
      }
      case "delete":
        this.#expect(request.key, request.nowMs, request.expected);
        this.#delete(request.key, request.nowMs);
        return { count: 1 };
      case "deleteRange": {
        const rows = this.#sql.inRange.all(timeText(request.nowMs), request.start, request.end);
        const found = rows as { key: string; live: number }[];
        found.forEach(({ key }) => this.#delete(key, request.nowMs));
        return { count: found.filter(({ live }) => live).length };
      }
      case "sweep": {
        const keys = this.#sql.expired.all(timeText(request.nowMs)) as string[];
        keys.forEach((key) => this.#delete(key, request.nowMs));
        return { count: keys.length };
      }
      case "purge":
        return this.#purge(request.untilMs);
    }
  }

  #revision(key: string, nowMs: number): string | undefined {
    return this.#sql.revision.get(key, timeText(nowMs)) as string | undefined;
  }

  #expect(key: string, nowMs: number, expected?: string): void {
    const revision = this.#revision(key, nowMs);
    if (revision === undefined) {
      throw notFound(`${key} is not found`);
    }
    if (expected !== undefined && revision !== expected) {
      throw compareFailed(`${key} has been changed by someone else`);
    }
  }

  #put(item: { key: string; value: Uint8Array; expiresMs?: number; nowMs: number }): WriteResult {
    const modified = this.#next(item.nowMs);
    const expires = item.expiresMs === undefined ? null : timeText(item.expiresMs);
    this.#sql.put.run(item.key, modified, expires, item.value, this.#last);
    return this.#recordPut(item.key, item.nowMs, modified);
  }

  #recordPut(key: string, nowMs: number, modified: bigint): WriteResult {
    if (this.events) {
      this.#sql.recordPut.run(this.#last, timeText(nowMs), key);
    }
    return { revision: `${this.#last}-${modified}` };
  }

  #delete(key: string, nowMs: number): void {
    this.#sql.delete.run(key);
    const modified = this.#next(nowMs);
    if (this.events) {
      this.#sql.recordDelete.run(this.#last, timeText(nowMs), key, modified);
    }
  }

  #purge(untilMs: number): WriteResult {
    const id = this.#sql.lastBefore.get(timeText(untilMs)) as number | null;
    if (id === null) {
      return { count: 0 };
    }
    this.#sql.setPurged.run(id);
    return { count: this.#sql.purge.run(id).changes };
  }

  /** Numbers the next change and returns its `modified`: unix nanoseconds, different for changes of one millisecond. */
  #next(nowMs: number): bigint {
    this.#last++;
    return BigInt(nowMs) * 1_000_000n + BigInt(this.#last % 1_000_000);
  }
}
