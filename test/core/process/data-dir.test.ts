import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { silentLogger } from "../../../core/plugin/logger.js";
import { openDataDir } from "../../../core/process/data-dir.js";
import { openHostId } from "../../../core/process/host-id.js";
import { temporaryFolder } from "../../kit/paths.js";

const modeOf = (file: string): number => statSync(file).mode & 0o777;

describe("process: data directory", () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  it("creates the directory for its owner alone", async () => {
    const dir = path.join(folder, "a", "data");
    await openDataDir(dir, silentLogger);
    assert.equal(modeOf(dir), 0o700);
  });

  it("refuses a directory that others can enter, with the command that mends it", async () => {
    chmodSync(folder, 0o755);
    await assert.rejects(openDataDir(folder, silentLogger), {
      message: new RegExp(`run chmod 0700 ${folder}$`),
    });
  });

  it("refuses a file", async () => {
    const file = path.join(folder, "file");
    writeFileSync(file, "");
    await assert.rejects(openDataDir(file, silentLogger), /data directory|not a directory/);
  });

  it("refuses a directory of another user", async function () {
    needRoot(this);
    chownSync(folder, 65534, 65534);
    await assert.rejects(openDataDir(folder, silentLogger), /belongs to user 65534.*run chown -R 0/);
  });

  it("tightens looser modes below it and logs each", async () => {
    mkdirSync(path.join(folder, "proc"), { mode: 0o750 });
    writeFileSync(path.join(folder, "proc", "sqlite.db"), "", { mode: 0o644 });
    symlinkSync("/etc/passwd", path.join(folder, "link"));
    const logged: unknown[] = [];
    await openDataDir(folder, { ...silentLogger, info: (_message, fields) => logged.push(fields) });
    assert.equal(modeOf(path.join(folder, "proc")), 0o700);
    assert.equal(modeOf(path.join(folder, "proc", "sqlite.db")), 0o600);
    assert.equal(modeOf("/etc/passwd"), 0o644);
    assert.equal(logged.length, 2);
  });

  it("tightens the daemon's own folders at any depth, and nothing inside others", async () => {
    const own = path.join(folder, "log", "a", "b", "c", "d", "e");
    const other = path.join(folder, "home", "a");
    for (const deep of [own, other]) mkdirSync(deep, { recursive: true, mode: 0o755 });
    writeFileSync(path.join(own, "session"), "", { mode: 0o644 });
    await openDataDir(folder, silentLogger);
    assert.equal(modeOf(own), 0o700);
    assert.equal(modeOf(path.join(own, "session")), 0o600);
    assert.equal(modeOf(path.dirname(other)), 0o700);
    assert.equal(modeOf(other), 0o755);
  });

  it("refuses a file of another user in its own folders, and leaves those beside them alone", async function () {
    needRoot(this);
    const beside = path.join(folder, "lost+found");
    mkdirSync(beside);
    chownSync(beside, 65534, 65534);
    await openDataDir(folder, silentLogger);
    const deep = path.join(folder, "log", "a", "b", "c", "d", "e");
    mkdirSync(deep, { recursive: true, mode: 0o700 });
    const file = path.join(deep, "session");
    writeFileSync(file, "");
    chownSync(file, 65534, 65534);
    await assert.rejects(openDataDir(folder, silentLogger), {
      code: "bad_parameter",
      message: `${file} belongs to user 65534, teleport runs as 0: run chown -R 0 ${file}`,
    });
  });

  it("takes a link to a directory, and judges the target by the same rules", async () => {
    const target = path.join(folder, "target");
    const link = path.join(folder, "link");
    mkdirSync(target, { mode: 0o700 });
    symlinkSync(target, link);
    await openDataDir(link, silentLogger);
    chmodSync(target, 0o755);
    await assert.rejects(openDataDir(link, silentLogger), {
      message: `data_dir ${link} (a link to ${target}) can be entered by others: run chmod 0700 ${target}`,
    });
  });

  it("follows links below it, and refuses one to a folder that others can change", async () => {
    const data = path.join(folder, "data");
    const disk = path.join(folder, "disk");
    mkdirSync(data, { mode: 0o700 });
    mkdirSync(path.join(disk, "sessions"), { recursive: true, mode: 0o755 });
    symlinkSync(disk, path.join(data, "log"));
    symlinkSync(disk, path.join(disk, "circle"));
    symlinkSync(path.join(folder, "gone"), path.join(disk, "dangling"));
    await openDataDir(data, silentLogger);
    assert.equal(modeOf(disk), 0o700);
    assert.equal(modeOf(path.join(disk, "sessions")), 0o700);
    chmodSync(disk, 0o777);
    await assert.rejects(openDataDir(data, silentLogger), {
      code: "bad_parameter",
      message: new RegExp(`^${data}/log leads to ${disk}, which others can change: .*chmod 0700 ${disk}`),
    });
  });
});

function needRoot(context: Mocha.Context): void {
  if (process.geteuid?.() === 0) return;
  console.log("      skipped: giving a file away takes root");
  context.skip();
}

describe("process: host id", () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  it("makes one id, also when many ask at once, and keeps it", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => openHostId(folder)));
    assert.equal(new Set(ids).size, 1);
    assert.equal(modeOf(path.join(folder, "host_uuid")), 0o400);
    assert.equal(await openHostId(folder), ids[0]);
  });

  it("reads the file that 4.2 left, with or without a newline", async () => {
    writeFileSync(path.join(folder, "host_uuid"), "2b7ae4d3-aaaa-4000-8000-000000000000\n");
    assert.equal(await openHostId(folder), "2b7ae4d3-aaaa-4000-8000-000000000000");
  });

  it("refuses a file that holds no UUID", async () => {
    writeFileSync(path.join(folder, "host_uuid"), "");
    await assert.rejects(openHostId(folder), { code: "corrupt" });
  });
});
