import assert from "node:assert/strict";
import { appendFile, copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../../core/errors/error.js";
import { silentLogger, type AuditEvent, type AuditQuery } from "../../../core/plugin/index.js";
import { searchLog } from "../../../plugins/audit-file/search.js";
import { fixture, temporaryFolder } from "../../kit/paths.js";
import { event } from "./events.js";

describe("search in the audit files", () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  const write = async (day: string, ...events: AuditEvent[]): Promise<void> => {
    const lines = events.map((item) => `${JSON.stringify(item)}\n`).join("");
    await appendFile(join(folder, `${day}.00:00:00.log`), lines);
  };
  const query = (changes: Partial<AuditQuery> = {}): AuditQuery => ({
    from: new Date("2026-01-01T00:00:00Z"),
    to: new Date("2026-12-31T00:00:00Z"),
    order: "oldest-first",
    limit: 100,
    ...changes,
  });
  const search = (changes?: Partial<AuditQuery>) => searchLog(folder, query(changes), silentLogger);
  const uids = async (changes?: Partial<AuditQuery>): Promise<string[]> =>
    (await search(changes)).events.map(({ uid }) => uid);
  const allPages = async (changes: Partial<AuditQuery>): Promise<string[]> => {
    const found: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await search({ ...changes, cursor });
      found.push(...page.events.map(({ uid }) => uid));
      if (page.next === undefined) return found;
      cursor = page.next;
    }
  };

  it("finds events behind a line of more than 64 KiB", async () => {
    const long = event("2026-03-01T10:00:00.000Z", { uid: "long", command: "x".repeat(300_000) });
    await write("2026-03-01", event("2026-03-01T09:00:00.000Z", { uid: "a" }), long);
    await write("2026-03-01", event("2026-03-01T11:00:00.000Z", { uid: "b" }));
    assert.deepEqual(await uids(), ["a", "long", "b"]);
    assert.deepEqual(await uids({ order: "newest-first" }), ["b", "long", "a"]);
  });

  it("takes an event's type from its field, not from a mention", async () => {
    await write(
      "2026-03-01",
      event("2026-03-01T09:00:00.000Z", { uid: "mention", command: 'echo "event":"session.end"' }),
      event("2026-03-01T09:00:01.000Z", { uid: "end", event: "session.end" }),
      event("2026-03-01T09:00:02.000Z", { uid: "prefix", event: "session.ending" }),
    );
    assert.deepEqual(await uids({ types: ["session.end"] }), ["end"]);
  });

  it("holds from and to for the events, both inclusive", async () => {
    await write(
      "2026-03-01",
      event("2026-03-01T08:59:59.999Z"),
      event("2026-03-01T09:00:00.000Z", { uid: "first" }),
      event("2026-03-01T10:00:00.000Z", { uid: "last" }),
      event("2026-03-01T10:00:00.001Z"),
    );
    const span = { from: new Date("2026-03-01T09:00:00Z"), to: new Date("2026-03-01T10:00:00Z") };
    assert.deepEqual(await uids(span), ["first", "last"]);
  });

  it("finds an event that was logged on the day after its own, or before", async () => {
    await write("2026-03-02", event("2026-03-01T23:59:59.000Z", { uid: "late" }));
    await write("2026-02-28", event("2026-03-01T00:00:01.000Z", { uid: "early" }));
    const span = { from: new Date("2026-03-01T00:00:00Z"), to: new Date("2026-03-01T23:59:59Z") };
    assert.deepEqual(await uids(span), ["early", "late"]);
  });

  it("pages through several files in either order, once each, however small the page", async () => {
    const expected: string[] = [];
    for (const day of ["2026-03-01", "2026-03-02", "2026-03-03"]) {
      for (let i = 0; i < 5; i++) {
        expected.push(`${day}-${i}`);
        await write(day, event(`${day}T0${i}:00:00.000Z`, { uid: `${day}-${i}` }));
      }
    }
    for (const limit of [1, 2, 5, 7, 15]) {
      assert.deepEqual(await allPages({ limit }), expected);
      assert.deepEqual(await allPages({ limit, order: "newest-first" }), expected.toReversed());
    }
  });

  it("gives no cursor when the last match fills the page", async () => {
    await write("2026-03-01", event("2026-03-01T09:00:00.000Z"), event("2026-03-01T10:00:00.000Z"));
    assert.equal((await search({ limit: 2 })).next, undefined);
  });

  it("goes on behind a cursor when events were added meanwhile", async () => {
    await write("2026-03-01", event("2026-03-01T09:00:00.000Z"), event("2026-03-01T10:00:00.000Z"));
    const { next } = await search({ limit: 1 });
    await write("2026-03-02", event("2026-03-02T00:00:00.000Z", { uid: "new" }));
    assert.equal((await uids({ cursor: next })).at(-1), "new");
  });

  it("bounds a page in bytes, and an oversized event makes a page of its own", async () => {
    const big = (uid: string, bytes: number) =>
      event("2026-03-01T09:00:00.000Z", { uid, pad: "p".repeat(bytes) });
    await write("2026-03-01", big("a", 600_000), big("b", 600_000), big("huge", 3_000_000), big("c", 10));
    assert.deepEqual(await uids(), ["a"]);
    assert.deepEqual(await allPages({}), ["a", "b", "huge", "c"]);
    assert.deepEqual(await allPages({ order: "newest-first" }), ["c", "huge", "b", "a"]);
  });

  it("passes over damaged lines, says so, and shows what is behind them", async () => {
    await write("2026-03-01", event("2026-03-01T09:00:00.000Z", { uid: "a" }));
    await appendFile(join(folder, "2026-03-01.00:00:00.log"), '{"torn\n\n[1]\n');
    await write("2026-03-01", event("2026-03-01T10:00:00.000Z", { uid: "b" }));
    const warnings: unknown[] = [];
    const log = {
      ...silentLogger,
      warn: (message: string, fields?: object) => warnings.push({ message, ...fields }),
    };
    const page = await searchLog(folder, query(), log);
    assert.deepEqual(
      page.events.map(({ uid }) => uid),
      ["a", "b"],
    );
    assert.equal(warnings.length, 2);
  });

  it("leaves out a last line that is still being written", async () => {
    await write("2026-03-01", event("2026-03-01T09:00:00.000Z", { uid: "a" }));
    await appendFile(
      join(folder, "2026-03-01.00:00:00.log"),
      JSON.stringify(event("2026-03-01T09:30:00.000Z")),
    );
    assert.deepEqual(await uids(), ["a"]);
    assert.deepEqual(await uids({ order: "newest-first" }), ["a"]);
  });

  it("refuses a cursor that it did not make", async () => {
    const forged = (...fields: unknown[]): string =>
      Buffer.from(JSON.stringify(fields)).toString("base64url");
    for (const cursor of [
      "",
      "junk",
      forged("oldest-first", "../../etc/passwd", 0),
      forged("oldest-first", "2026-03-01.00:00:00.log", -1),
      forged("newest-first", "2026-03-01.00:00:00.log", 0),
    ]) {
      await assert.rejects(search({ cursor }), (error) => hasCode(error, "bad_parameter"), cursor);
    }
  });

  it("answers with nothing where there is no log yet, but not where a file cannot be read", async () => {
    const empty = await searchLog(join(folder, "none"), query(), silentLogger);
    assert.deepEqual(empty.events, []);
    await mkdir(join(folder, "2026-03-01.00:00:00.log"));
    await assert.rejects(search(), (error) => hasCode(error, "unavailable"));
  });

  it("reads a log that 4.2 wrote", async () => {
    await copyFile(fixture("audit", "2026-11-22.00:00:00.log"), join(folder, "2026-11-22.00:00:00.log"));
    const logins = await search({ types: ["user.login"] });
    assert.ok(logins.events.length > 1);
    assert.ok(
      logins.events.every((item) => item.event === "user.login" && typeof item["method"] === "string"),
    );
    assert.equal((await allPages({ limit: 3 })).length, (await search({ limit: 1000 })).events.length);
  });
});
