import assert from "node:assert/strict";
import {
  appendFile,
  mkdir,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../../core/errors/error.js";
import { silentLogger } from "../../../core/plugin/index.js";
import { temporaryFolder } from "../../kit/paths.js";
import { event, sinkIn } from "./events.js";

describe("the audit file sink", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let now: Date;
  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    now = new Date("2026-03-01T12:00:00Z");
  });
  afterEach(() => remove());

  const dayFile = (day: string): string => join(folder, `${day}.00:00:00.log`);
  const linesOf = async (path: string): Promise<string[]> =>
    (await readFile(path, "utf8")).split("\n").slice(0, -1);

  it("writes one line per event with its keys in alphabetical order at every depth", async () => {
    const sink = sinkIn(folder, () => now);
    await sink.emit([
      event("2026-03-01T12:00:00.000Z", { "uid": "u", "labels": { z: "1", a: "2" }, "addr.local": "x" }),
    ]);
    await sink.close();
    assert.deepEqual(await linesOf(dayFile("2026-03-01")), [
      '{"addr.local":"x","code":"T3002I","event":"exec","labels":{"a":"2","z":"1"},"time":"2026-03-01T12:00:00.000Z","uid":"u"}',
    ]);
  });

  it("makes the file 0600 and its directory 0700, and points the link at it", async () => {
    const directory = join(folder, "log", "host");
    const sink = sinkIn(directory, () => now);
    await sink.start();
    await sink.close();
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    assert.equal((await stat(join(directory, "2026-03-01.00:00:00.log"))).mode & 0o777, 0o600);
    assert.equal(await readlink(join(directory, "events.log")), join(directory, "2026-03-01.00:00:00.log"));
  });

  it("keeps every event of concurrent emitters, each batch in order", async () => {
    const sink = sinkIn(folder, () => now);
    const batches = Array.from({ length: 200 }, (_, i) =>
      Array.from({ length: 5 }, (_, j) => event(now.toISOString(), { uid: `${i}-${j}` })),
    );
    await Promise.all(batches.map((batch) => sink.emit(batch)));
    await sink.close();
    const uids = (await linesOf(dayFile("2026-03-01"))).map(
      (line) => (JSON.parse(line) as { uid: string }).uid,
    );
    assert.deepEqual(
      uids,
      batches.flat().map(({ uid }) => uid),
    );
  });

  it("loses nothing while midnight passes under concurrent emitters", async () => {
    const sink = sinkIn(folder, () => now);
    const emitting: Promise<void>[] = [];
    for (let i = 0; i < 300; i++) {
      if (i === 150) now = new Date("2026-03-02T00:00:00.001Z");
      emitting.push(sink.emit([event(now.toISOString(), { uid: `n${i}` })]));
      if (i % 7 === 0) await emitting.at(-1);
    }
    await Promise.all(emitting);
    await sink.close();
    const first = await linesOf(dayFile("2026-03-01"));
    const second = await linesOf(dayFile("2026-03-02"));
    assert.equal(first.length + second.length, 300);
    assert.ok(first.length >= 140 && second.length >= 100, `${first.length} and ${second.length} lines`);
    assert.equal(await readlink(join(folder, "events.log")), dayFile("2026-03-02"));
  });

  it("puts an event that arrives days late into the file of its own day", async () => {
    const sink = sinkIn(folder, () => now);
    await sink.emit([event("2026-02-20T01:00:00.000Z", { uid: "late" }), event("2026-02-28T13:00:00.000Z")]);
    await sink.close();
    assert.match((await linesOf(dayFile("2026-02-20")))[0] ?? "", /"uid":"late"/);
    assert.equal((await linesOf(dayFile("2026-03-01"))).length, 1);
  });

  for (const [what, act] of [
    ["deleted", (file: string) => rm(file)],
    ["moved away", (file: string) => rename(file, `${file}.1`)],
    ["replaced", (file: string) => writeFile(`${file}.new`, "").then(() => rename(`${file}.new`, file))],
  ] as const) {
    it(`begins a new file where the one in use was ${what}, and says so`, async () => {
      const warned: string[] = [];
      const log = { ...silentLogger, warn: (message: string) => void warned.push(message) };
      const sink = sinkIn(folder, () => now, log);
      await sink.emit([event(now.toISOString(), { uid: "before" })]);
      await act(dayFile("2026-03-01"));
      await sink.emit([event(now.toISOString(), { uid: "after" })]);
      await sink.emit([event(now.toISOString(), { uid: "later" })]);
      await sink.close();
      const lines = await linesOf(dayFile("2026-03-01"));
      assert.deepEqual(
        lines.map((line) => (JSON.parse(line) as { uid: string }).uid),
        ["after", "later"],
      );
      assert.equal(warned.length, 1);
      assert.match(warned[0] ?? "", /moved or deleted/);
    });
  }

  it("reports a full disk as unavailable, naming the path", async () => {
    await symlink("/dev/full", dayFile("2026-03-01"));
    const sink = sinkIn(folder, () => now);
    await assert.rejects(sink.emit([event(now.toISOString())]), (error: Error) => {
      assert.ok(hasCode(error, "unavailable"));
      assert.match(error.message, /cannot write the audit log .*2026-03-01\.00:00:00\.log: no space left/);
      return true;
    });
    await sink.close();
  });

  it("writes again once the disk has room", async () => {
    await symlink("/dev/full", dayFile("2026-03-01"));
    const sink = sinkIn(folder, () => now);
    await assert.rejects(sink.emit([event(now.toISOString())]));
    now = new Date("2026-03-02T00:00:00Z");
    await sink.emit([event(now.toISOString(), { uid: "after" })]);
    await sink.close();
    assert.equal((await linesOf(dayFile("2026-03-02"))).length, 1);
  });

  it("moves a line that a crash tore aside and keeps all others", async () => {
    const whole = JSON.stringify(event("2026-03-01T11:00:00.000Z"));
    await writeFile(dayFile("2026-03-01"), `${whole}\n{"event":"exec","co`);
    const sink = sinkIn(folder, () => now);
    await sink.start();
    await sink.emit([event(now.toISOString(), { uid: "next" })]);
    await sink.close();
    const lines = await linesOf(dayFile("2026-03-01"));
    assert.equal(lines.length, 2);
    assert.equal(lines[0], whole);
    assert.match(lines[1] ?? "", /"uid":"next"/);
    const torn = (await readdir(folder)).find((name) => name.includes(".torn-"));
    assert.ok(torn !== undefined);
    assert.equal(await readFile(join(folder, torn), "utf8"), '{"event":"exec","co');
  });

  it("ends a whole last line that lacks only its newline", async () => {
    const whole = JSON.stringify(event("2026-03-01T11:00:00.000Z", { pad: "x".repeat(200_000) }));
    await writeFile(dayFile("2026-03-01"), whole);
    const sink = sinkIn(folder, () => now);
    await sink.start();
    await sink.close();
    assert.deepEqual(await linesOf(dayFile("2026-03-01")), [whole]);
    assert.ok(!(await readdir(folder)).some((name) => name.includes(".torn-")));
  });

  it("leaves a line alone that another process is just writing", async () => {
    await writeFile(dayFile("2026-03-01"), '{"half":');
    const clock = { now: () => now, sleep: () => appendFile(dayFile("2026-03-01"), '"whole"}\n') };
    const { createFileAuditSink } = await import("../../../plugins/audit-file/sink.js");
    const sink = createFileAuditSink({
      directory: folder,
      link: join(folder, "l"),
      clock,
      log: silentLogger,
    });
    await sink.start();
    await sink.close();
    assert.deepEqual(await linesOf(dayFile("2026-03-01")), ['{"half":"whole"}']);
  });

  it("refuses events after close, and close waits for those before", async () => {
    const sink = sinkIn(folder, () => now);
    const emitting = sink.emit([event(now.toISOString())]);
    await sink.close();
    await emitting;
    await assert.rejects(sink.emit([event(now.toISOString())]), (error) => hasCode(error, "unavailable"));
    await sink.close();
  });

  it("goes on where the link cannot be set", async () => {
    await mkdir(join(folder, "events.log"));
    const sink = sinkIn(folder, () => now);
    await sink.emit([event(now.toISOString())]);
    await sink.close();
    assert.equal((await linesOf(dayFile("2026-03-01"))).length, 1);
  });
});
