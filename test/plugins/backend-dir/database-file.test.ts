import assert from "node:assert/strict";
import { chmod, chown, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { silentLogger, type Logger } from "@teleport/plugin";
import { openDirStorage } from "../../../plugins/backend-dir/index.js";
import { scratchDirectory } from "./scratch.js";

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe("plugins/backend-dir/database-file", () => {
  let directory: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ directory, remove } = await scratchDirectory()));
  afterEach(() => remove());

  it("creates directory and files for their user alone", async () => {
    const storage = await openDirStorage({ directory });
    await storage.put({ key: "/a", value: Buffer.from("x") });
    assert.equal(await mode(directory), 0o700);
    const files = await readdir(directory);
    assert.ok(files.includes("sqlite.db") && files.includes("sqlite.db-wal"), files.join());
    for (const file of files) {
      assert.equal(await mode(join(directory, file)), 0o600, file);
    }
    await storage.close();
  });

  it("tightens the modes that 4.2 leaves, and says so", async () => {
    await mkdir(directory, { mode: 0o755 });
    await chmod(directory, 0o755);
    await writeFile(join(directory, "sqlite.db"), "");
    await chmod(join(directory, "sqlite.db"), 0o644);
    const warned: unknown[] = [];
    const log: Logger = { ...silentLogger, warn: (_message, fields) => warned.push(fields?.["was"]) };
    await (await openDirStorage({ directory, log })).close();
    assert.deepEqual(warned, ["0755", "0644"]);
    assert.equal(await mode(directory), 0o700);
    assert.equal(await mode(join(directory, "sqlite.db")), 0o600);
  });

  it("refuses what belongs to another user, and names the command", async function () {
    if (process.geteuid?.() !== 0) {
      console.log("      skipped: giving a file away takes root");
      this.skip();
    }
    await mkdir(directory);
    await chown(directory, 65534, 65534);
    await assert.rejects(openDirStorage({ directory }), {
      code: "bad_parameter",
      message: /chown -R 0 .*backend/,
    });
  });

  it("says which path cannot be used", async () => {
    await writeFile(directory, "a file");
    await assert.rejects(openDirStorage({ directory: join(directory, "below") }), {
      code: "unavailable",
      message: /sqlite\.db cannot be opened/,
    });
  });

  it("a file that is no database is corrupt, named, and left alone", async () => {
    await mkdir(directory, { mode: 0o700 });
    const file = join(directory, "sqlite.db");
    await writeFile(file, "no database, but long enough to look at. ".repeat(100), { mode: 0o600 });
    const { size } = await stat(file);
    await assert.rejects(openDirStorage({ directory }), {
      code: "corrupt",
      message: /backend\/sqlite\.db is damaged/,
    });
    assert.equal((await stat(file)).size, size);
  });
});
