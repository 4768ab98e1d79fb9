import assert from "node:assert/strict";
import { chmodSync, mkdirSync, statSync, writeFileSync, symlinkSync } from "node:fs";
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
    if (process.getuid?.() !== 0) this.skip();
    const { chownSync } = await import("node:fs");
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
});

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
