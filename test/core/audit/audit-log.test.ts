import assert from "node:assert/strict";
import { readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAuditLog, type AuditLog, type AuditPolicy } from "../../../core/audit/audit-log.js";
import { hasCode } from "../../../core/errors/error.js";
import type { Clock } from "../../../core/plugin/clock.js";
import { ManualClock } from "../../../core/plugin/kit/manual-clock.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { temporaryFolder } from "../../kit/paths.js";
import { FakeSink } from "./fake-sink.js";

describe("the audit log", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let clock: ManualClock;
  let log: AuditLog | undefined;
  beforeEach(async () => {
    clock = new ManualClock();
    ({ folder, remove } = await temporaryFolder());
  });
  afterEach(async () => {
    await log?.close();
    await remove();
  });

  const start = (policy: AuditPolicy, ...sinks: FakeSink[]): AuditLog => {
    const named = sinks.map((sink, i) => ({ name: `audit.s${i}`, sink }));
    log = createAuditLog({ sinks: named, policy, log: silentLogger, clock, spillDir: folder });
    return log;
  };
  const exec = (uid: string) => ({ event: "exec", code: "T3002I", uid });
  const uids = (sink: FakeSink): string[] => sink.events.map(({ uid }) => uid);
  /** Moves the clock until the sink has what is expected. */
  const delivered = async (sink: FakeSink, count: number): Promise<void> => {
    while (sink.events.length < count) {
      await clock.advance(1000);
      await new Promise(setImmediate);
    }
  };
  const spillFile = (i = 0): string => join(folder, `audit.s${i}.jsonl`);

  it("gives an event to every sink before emit returns", async () => {
    const sinks = [new FakeSink(), new FakeSink()] as const;
    await start("strict", ...sinks).emit(exec("a"));
    assert.deepEqual(sinks.map(uids), [["a"], ["a"]]);
  });

  it("fails under strict when one sink fails, naming it; the other has the event", async () => {
    const sinks = [new FakeSink(), new FakeSink()] as const;
    sinks[1].failure = new Error("disk full");
    await assert.rejects(start("strict", ...sinks).emit(exec("a")), (error: Error) => {
      assert.ok(hasCode(error, "unavailable"));
      assert.equal(error.message, "the audit event exec cannot be recorded: audit.s1 failed");
      return true;
    });
    assert.deepEqual(uids(sinks[0]), ["a"]);
  });

  it("does not wait for ever for a sink that hangs", async () => {
    const sink = new FakeSink();
    sink.emit = () => new Promise(() => undefined);
    const emitting = start("strict", sink).emit(exec("a"));
    const refused = assert.rejects(emitting, (error) => hasCode(error, "unavailable"));
    await new Promise(setImmediate);
    await clock.advance(30_000);
    await refused;
  });

  it("refuses a malformed event before any sink sees it", async () => {
    const sink = new FakeSink();
    await assert.rejects(start("strict", sink).emit({ event: "exec", code: "T3002I", command: 1 }), (error) =>
      hasCode(error, "bad_parameter"),
    );
    assert.equal(sink.attempts, 0);
  });

  it("keeps events of a failing sink on disk under best_effort and delivers them in order", async () => {
    const [good, bad] = [new FakeSink(), new FakeSink()];
    bad.failure = new Error("down");
    const audit = start("best_effort", good, bad);
    for (const uid of ["a", "b", "c"]) await audit.emit(exec(uid));
    assert.deepEqual(uids(good), ["a", "b", "c"]);
    assert.equal((await readFile(spillFile(1), "utf8")).split("\n").length, 4);
    assert.equal((await stat(spillFile(1))).mode & 0o777, 0o600);
    bad.failure = undefined;
    await delivered(bad, 3);
    await audit.close();
    assert.deepEqual(uids(bad), ["a", "b", "c"]);
    assert.equal((await stat(spillFile(1))).size, 0);
  });

  it("delivers what an earlier run kept, passing over a line that a crash tore", async () => {
    const kept = { ...exec("old"), time: "2026-01-01T00:00:00.000Z" };
    await writeFile(spillFile(), `${JSON.stringify(kept)}\n{"event":"ex`);
    const sink = new FakeSink();
    const audit = start("best_effort", sink);
    sink.failure = new Error("down");
    await audit.emit(exec("new"));
    sink.failure = undefined;
    await delivered(sink, 2);
    assert.deepEqual(uids(sink), ["old", "new"]);
  });

  it("waits longer between attempts while the sink keeps failing", async () => {
    const sink = new FakeSink();
    sink.failure = new Error("down");
    const waits: number[] = [];
    const impatient: Clock = {
      now: () => clock.now(),
      sleep(ms, signal) {
        if (ms === 30_000) return clock.sleep(ms, signal); // The bound of one attempt.
        waits.push(ms);
        return new Promise((resolve) => setImmediate(resolve));
      },
    };
    const sinks = [{ name: "audit.s0", sink }];
    log = createAuditLog({
      sinks,
      policy: "best_effort",
      log: silentLogger,
      clock: impatient,
      spillDir: folder,
    });
    await log.emit(exec("a"));
    while (waits.length < 10) await sink.nextAttempt();
    const [first = 0, second = 0, third = 0] = waits;
    assert.ok(first >= 500 && first <= 1000 && second >= 1000 && third >= 2000, waits.join());
    assert.ok(waits.every((ms) => ms <= 60_000));
    assert.ok((waits.at(-1) ?? 0) >= 30_000, waits.join());
  });

  it("fails even under best_effort when the event can be kept nowhere", async () => {
    await symlink("/dev/full", spillFile());
    const sink = new FakeSink();
    sink.failure = new Error("down");
    await assert.rejects(start("best_effort", sink).emit(exec("a")), (error) =>
      hasCode(error, "unavailable"),
    );
  });

  it("loses nothing when many emit while the sink comes and goes", async () => {
    const sink = new FakeSink();
    const audit = start("best_effort", sink);
    const expected: string[] = [];
    for (let round = 0; round < 10; round++) {
      sink.failure = round % 2 === 0 ? new Error("down") : undefined;
      const names = Array.from({ length: 20 }, (_, i) => `${round}-${i}`);
      expected.push(...names);
      await Promise.all(names.map((uid) => audit.emit(exec(uid))));
      await clock.advance(1000);
    }
    sink.failure = undefined;
    await delivered(sink, expected.length);
    assert.deepEqual(new Set(uids(sink)), new Set(expected));
  });

  it("keeps the events of two sinks with one name apart", async () => {
    const [good, bad] = [new FakeSink(), new FakeSink()];
    bad.failure = new Error("down");
    const sinks = [good, bad].map((sink) => ({ name: "audit.file", sink }));
    log = createAuditLog({ sinks, policy: "best_effort", log: silentLogger, clock, spillDir: folder });
    await log.emit(exec("a"));
    await log.emit(exec("b"));
    bad.failure = undefined;
    await delivered(bad, 2);
    assert.deepEqual(
      [uids(good), uids(bad)],
      [
        ["a", "b"],
        ["a", "b"],
      ],
    );
    assert.deepEqual(await readdir(folder), ["audit.file-2.jsonl"]);
  });

  it("searches the first sink that can be searched", async () => {
    const [plain, searchable] = [new FakeSink(), new FakeSink()];
    const page = { events: [], next: "n" };
    Object.assign(searchable, { search: () => Promise.resolve(page) });
    const query = { from: new Date(0), to: new Date(), order: "newest-first" as const, limit: 1 };
    assert.equal(await start("strict", plain, searchable).search(query), page);
    await log?.close();
    await assert.rejects(start("strict", plain).search(query), (error) => hasCode(error, "not_implemented"));
  });

  it("finishes what is under way on close and takes nothing after", async () => {
    const sink = new FakeSink();
    const audit = start("strict", sink);
    const emitting = audit.emit(exec("a"));
    await audit.close();
    await emitting;
    assert.deepEqual(uids(sink), ["a"]);
    await assert.rejects(audit.emit(exec("b")), (error) => hasCode(error, "unavailable"));
  });
});
