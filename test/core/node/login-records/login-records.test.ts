import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountingPaths } from "../../../../core/node/login-records/accounting-files.js";
import { LASTLOG_BYTES, RECORD_BYTES } from "../../../../core/node/login-records/accounting-record.js";
import type { LoginRecord } from "../../../../core/node/login-records/accounting-record.js";
import { LoginRecords } from "../../../../core/node/login-records/login-records.js";
import { type Clock, systemClock } from "../../../../core/plugin/clock.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import { LOGIN, NodeFixture } from "../node-fixture.js";
import { needPrograms, run } from "../stock-programs.js";

const login: LoginRecord = { line: "pts/77", pid: process.pid, user: "root", uid: 0, host: "192.0.2.7" };

describe("login records", () => {
  let directory: string;
  let paths: AccountingPaths;
  const notes = (): string => join(directory, "notes");
  const make = (clock: Clock = systemClock, log = silentLogger): LoginRecords =>
    new LoginRecords({ paths, directory: notes(), clock, log });
  const who = async (): Promise<string> => (await run("who", [paths.utmp])).stdout.toString();
  const last = async (): Promise<string> => (await run("last", ["-f", paths.wtmp])).stdout.toString();

  before(function () {
    needPrograms(this, "who", "last", "python3");
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "logins-"));
    paths = {
      utmp: join(directory, "utmp"),
      wtmp: join(directory, "wtmp"),
      lastlog: join(directory, "lastlog"),
    };
    for (const path of [paths.utmp, paths.wtmp, paths.lastlog]) writeFileSync(path, "");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("shows a login to who and last until it ends", async () => {
    // last(1) says "still running" of a login that ends now.
    const records = make({ ...systemClock, now: () => new Date("2026-01-02T03:04:05Z") });
    const close = records.open(login);
    await records.written();
    assert.match(await who(), /^root\s+pts\/77\s.*\(192\.0\.2\.7\)$/m);
    assert.match(await last(), /^root\s+pts\/77\s+192\.0\.2\.7 .*(still logged in|gone - no logout)/m);
    close();
    await records.written();
    assert.equal(await who(), "");
    assert.match(await last(), /^root\s+pts\/77\s+192\.0\.2\.7 .*\(00:00\)/m);
    assert.deepEqual(readdirSync(notes()), []);
  });

  it("takes the line's record again, and keeps those of other lines", async () => {
    const records = make();
    const ends = [login, { ...login, line: "pts/8" }].map((one) => records.open(one));
    ends[0]?.();
    records.open({ ...login, user: "bin" });
    await records.written();
    assert.equal(statSync(paths.utmp).size, 2 * RECORD_BYTES);
    assert.match(await who(), /^bin\s+pts\/77/m);
    assert.match(await who(), /^root\s+pts\/8/m);
  });

  it("keeps IPv6 addresses, and each user's latest login", async () => {
    const records = make();
    records.open({ ...login, uid: 3, host: "2001:db8::ffff:7" });
    await records.written();
    const shown = await run("last", ["-i", "-f", paths.wtmp]);
    assert.match(shown.stdout.toString(), /2001:db8::ffff:7/);
    assert.match(
      readFileSync(paths.lastlog).toString("latin1", 3 * LASTLOG_BYTES),
      /pts\/77\0.*2001:db8::ffff:7\0/,
    );
  });

  it("makes no file that the system does not keep", async () => {
    for (const path of [paths.utmp, paths.wtmp, paths.lastlog]) rmSync(path);
    const records = make();
    records.open(login)();
    await records.written();
    assert.deepEqual(readdirSync(directory), ["notes"]);
  });

  it("writes over the half record of a writer that was cut off", async () => {
    writeFileSync(paths.wtmp, Buffer.alloc(RECORD_BYTES + 10));
    const records = make();
    records.open(login);
    await records.written();
    assert.equal(statSync(paths.wtmp).size, 2 * RECORD_BYTES);
    assert.match(await last(), /^root\s+pts\/77/m);
  });

  it("ends the logins of a killed daemon, but not what others have made of the terminal", async () => {
    const before = make();
    before.open(login);
    before.open({ ...login, line: "pts/78" });
    await before.written();
    before.open({ ...login, line: "pts/78", user: "bin", pid: process.ppid });
    await before.written();
    for (const name of readdirSync(notes())) {
      const file = join(notes(), name);
      const note = JSON.parse(readFileSync(file, "utf8")) as { login: LoginRecord; writer: object };
      if (note.login.user === "bin") rmSync(file);
      else writeFileSync(file, JSON.stringify({ ...note, writer: { ...note.writer, bootId: "earlier" } }));
    }
    await make().written();
    assert.match(await who(), /^bin\s+pts\/78.*\n$/);
    assert.deepEqual(readdirSync(notes()), []);
  });

  it("gives up where another process keeps a file locked, and says so", async () => {
    const hold = `import fcntl,sys; f=open(${JSON.stringify(paths.utmp)}); fcntl.lockf(f, fcntl.LOCK_SH); print("held", flush=True); sys.stdin.read()`;
    const holder = spawn("python3", ["-c", hold], { stdio: ["pipe", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    const said: unknown[] = [];
    const log = {
      ...silentLogger,
      warn: (_: string, fields?: Readonly<Record<string, unknown>>) => void said.push(fields?.["error"]),
    };
    const records = make({ now: () => new Date(), sleep: () => Promise.resolve() }, log);
    const close = records.open(login);
    await records.written();
    assert.deepEqual(said, [`another process keeps ${paths.utmp} locked`]);
    holder.stdin.end();
    await once(holder, "close");
    close();
    await records.written();
    assert.equal(said.length, 1);
    assert.match(await last(), /^root\s+pts\/77/m, "the other files are written");
  });

  it("are kept by a node for sessions with a terminal alone", async function () {
    needPrograms(this, "ssh");
    if (process.getuid?.() !== 0) this.skip();
    const node = await new NodeFixture().start();
    try {
      const { utmp, wtmp, lastlog } = node.accounting;
      for (const path of [utmp, wtmp, lastlog]) writeFileSync(path, "");
      const piped = await node.ssh(["--", `who ${node.accounting.utmp}`]);
      assert.equal(piped.stdout.toString(), "");
      const shown = await node.ssh([
        "-tt",
        "--",
        `until who ${node.accounting.utmp} | grep .; do :; done; tty`,
      ]);
      const text = shown.stdout.toString();
      const terminal = /^\/dev\/(\S+)\s*$/m.exec(text)?.[1] ?? "no terminal";
      assert.ok(text.startsWith(LOGIN) && text.split("\n")[0]?.includes(terminal), text);
      assert.match(text, /\(127\.0\.0\.1\)/);
      await node.service.drain();
      assert.equal((await run("who", [node.accounting.utmp])).stdout.toString(), "");
    } finally {
      await node.close();
    }
  });
});
