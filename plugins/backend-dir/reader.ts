import { setTimeout as pause } from "node:timers/promises";
import Database from "better-sqlite3";
import { corrupt, notFound, unavailable, type Item, type KeyRange } from "@teleport/plugin";
import { storageFailure } from "./failure.js";
import { EVENT_REVISION, KV_REVISION, LAST_CHANGE, LIVE } from "./schema.js";
import { TimeSlices } from "./time-slices.js";
import { parseTimeText, timeText } from "./time-text.js";

/** Bounds of one page, each chosen so that a page costs a few milliseconds at most. */
const PAGE_ROWS = 500;
const PAGE_BYTES = 512 * 1024;
const PAGE_MS = 2;
/** How long reads may keep the event loop before it gets its turn. */
const TURN_MS = 2;

/** A change as the table `events` records it. */
export type Change = { readonly id: number } & (
  { readonly type: "put"; readonly item: Item } | { readonly type: "delete"; readonly key: string }
);

/** Numbers of changes: the newest, and the newest that is forgotten. */
export interface JournalState {
  readonly last: number;
  readonly purged: number;
}

/**
 * Reads on a read-only connection in the calling thread: with a write-ahead log they never wait for the writer, and
 * a point read costs a fifth of the way to a worker. Work is cut into pieces so that the event loop goes on.
 */
export class Reader {
  readonly #db: Database.Database;
  readonly #sql;
  readonly #slices = new TimeSlices(TURN_MS);

  #textOf: { readonly ms: number; readonly text: string } = { ms: 0, text: timeText(0) };

  /** Opens the file, which the writer has prepared. */
  constructor(
    private readonly file: string,
    private readonly busyTimeoutMs: number,
  ) {
    // No waiting inside SQLite: that would hold up the event loop. See #attempt.
    this.#db = new Database(file, { readonly: true, fileMustExist: true, timeout: 0 });
    const prepare = (sql: string): Database.Statement<unknown[]> => this.#db.prepare(sql);
    const columns = `key, value, expires, ${KV_REVISION} AS revision`;
    this.#sql = {
      get: prepare(`SELECT ${columns} FROM kv WHERE key = ? AND ${LIVE}`),
      from: prepare(`SELECT ${columns} FROM kv WHERE key >= ? AND key < ? AND ${LIVE} ORDER BY key`),
      behind: prepare(`SELECT ${columns} FROM kv WHERE key > ? AND key < ? AND ${LIVE} ORDER BY key`),
      expired: prepare("SELECT 1 FROM kv WHERE expires <= ? LIMIT 1").pluck(),
      journal: prepare(`SELECT (${LAST_CHANGE}) AS last, purged FROM journal`),
      recorded: prepare("SELECT 1 FROM events WHERE created <= ? LIMIT 1").pluck(),
      changes: prepare(`SELECT id, type, kv_key AS key, kv_value AS value, kv_expires AS expires,
        ${EVENT_REVISION} AS revision FROM events WHERE id > ? ORDER BY id`),
    };
  }

  /** A live item. Throws `not_found`. */
  async get(key: string, nowMs: number): Promise<Item> {
    const row = (await this.#attempt(() => this.#sql.get.get(key, this.#nowText(nowMs)))) as Row | undefined;
    if (!row) {
      throw notFound(`${key} is not found`);
    }
    return this.#item(row);
  }

  /** The first live items of a range, at least one if there are any; with `behind`, those after that key. */
  page(range: KeyRange, nowMs: number, behind?: string): Promise<Item[]> {
    const statement = behind === undefined ? this.#sql.from : this.#sql.behind;
    return this.#attempt(() =>
      this.#bounded(statement.iterate(behind ?? range.start, range.end, timeText(nowMs))).map((row) =>
        this.#item(row),
      ),
    );
  }

  /** Whether any item has expired and is still there. */
  hasExpired(nowMs: number): Promise<boolean> {
    return this.#attempt(() => this.#sql.expired.get(timeText(nowMs)) !== undefined);
  }

  /** Whether any change was recorded at or before a time. */
  hasChangesBefore(ms: number): Promise<boolean> {
    return this.#attempt(() => this.#sql.recorded.get(timeText(ms)) !== undefined);
  }

  /** The state of the journal as it is at the call, not when the promise resolves. */
  journal(): Promise<JournalState> {
    return this.#attempt(() => this.#sql.journal.get() as JournalState, { atOnce: true });
  }

  /** The changes behind number `id`, a page of them; undefined where some are forgotten. */
  async changes(id: number): Promise<Change[] | undefined> {
    const rows = await this.#attempt(() => this.#bounded(this.#sql.changes.iterate(id)));
    // Read after the rows: `purged` only grows, so what it does not cover now it did not cover then.
    const { purged } = await this.journal();
    return id < purged ? undefined : rows.map((row) => this.#change(row));
  }

  /** Closes the connection; later calls throw `unavailable`. */
  close(): void {
    this.#db.close();
  }

  /** Tries again while the file is locked, which it is when another process recovers it after a crash. */
  async #attempt<T>(read: () => T, { atOnce = false } = {}): Promise<T> {
    const deadline = performance.now() + this.busyTimeoutMs;
    const task = (): T => {
      if (!this.#db.open) {
        throw unavailable("the storage is closed");
      }
      return read();
    };
    for (;;) {
      try {
        // Most reads find their slice free: they are spared the way round by a promise of their own.
        return atOnce || this.#slices.isFree ? this.#slices.now(task) : await this.#slices.run(task);
      } catch (error) {
        const failure = storageFailure(error, this.file);
        const busy = String(failure.context["sqlite"]).startsWith("SQLITE_BUSY");
        if (!busy || performance.now() > deadline) {
          throw failure;
        }
      }
      await pause(5);
    }
  }

  /** {@link timeText} of a time that many reads share. */
  #nowText(nowMs: number): string {
    if (this.#textOf.ms !== nowMs) this.#textOf = { ms: nowMs, text: timeText(nowMs) };
    return this.#textOf.text;
  }

  #bounded(rows: IterableIterator<unknown>): Row[] {
    const page: Row[] = [];
    const started = performance.now();
    let bytes = 0;
    for (const row of rows as IterableIterator<Row>) {
      page.push(row);
      bytes += row.value?.length ?? 0;
      if (page.length >= PAGE_ROWS || bytes >= PAGE_BYTES || performance.now() - started >= PAGE_MS) {
        break;
      }
    }
    return page;
  }

  #item(row: Row): Item {
    const { key, revision } = row;
    // 4.2 reads a value that was stored as text as well.
    const value = typeof row.value === "string" ? Buffer.from(row.value) : (row.value ?? Buffer.alloc(0));
    if (row.expires === null) return { key, value, revision };
    const expires = new Date(typeof row.expires === "string" ? parseTimeText(row.expires) : NaN);
    if (Number.isNaN(expires.getTime())) {
      throw corrupt(`${this.file}: the expiry of ${key} cannot be read`);
    }
    return { key, value, expires, revision };
  }

  #change(row: Row & { readonly id?: number; readonly type?: string }): Change {
    const id = row.id ?? 0;
    return row.type === "2"
      ? { id, type: "delete", key: row.key }
      : { id, type: "put", item: this.#item(row) };
  }
}

interface Row {
  readonly key: string;
  readonly value: Buffer | string | null;
  /** Text, unless something else than 4.2 or this plugin has written it. */
  readonly expires: string | number | null;
  readonly revision: string;
}
