import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../../core/plugin/logger.js";
import { parseUserEnvironment, readUserEnvironmentFile } from "../../../core/node/user-environment-file.js";

describe("user environment file", () => {
  it("takes assignments and passes over the rest", () => {
    const text = "# comment\n\nA=1\n B = two words\n=x\nnothing\nC=a=b\n";
    assert.deepEqual(Object.fromEntries(parseUserEnvironment(text)), { A: "1", B: " two words", C: "a=b" });
  });

  it("stops after a thousand lines", () => {
    const text = Array.from({ length: 1_200 }, (_, i) => `V${i}=1`).join("\n");
    assert.equal(parseUserEnvironment(text).size, 1_000);
  });

  describe("of an account", () => {
    const uid = process.getuid?.() ?? 0;
    let home: string;
    let file: string;
    let said: string[];
    const log = {
      ...silentLogger,
      warn: (_: string, fields?: Readonly<Record<string, unknown>>) =>
        void said.push(String(fields?.["error"])),
    };
    const read = async (as = uid): Promise<Record<string, string>> =>
      Object.fromEntries(await readUserEnvironmentFile({ name: "alice", uid: as, home }, log));

    beforeEach(() => {
      home = mkdtempSync(join(tmpdir(), "home-"));
      file = join(home, ".tsh", "environment");
      said = [];
    });
    afterEach(() => rmSync(home, { recursive: true }));

    it("is read where it belongs to the user or to root", async () => {
      assert.deepEqual(await read(), {});
      mkdirSync(join(home, ".tsh"));
      assert.deepEqual(await read(), {});
      writeFileSync(file, "MINE=1\n", { mode: 0o600 });
      assert.deepEqual(await read(), { MINE: "1" });
      if (uid === 0) assert.deepEqual(await read(12_345), { MINE: "1" });
      assert.deepEqual(said, []);
    });

    it("is ignored where others can write to it", async () => {
      mkdirSync(join(home, ".tsh"));
      writeFileSync(file, "MINE=1\n");
      chmodSync(file, 0o664);
      assert.deepEqual(await read(), {});
      assert.match(said[0] ?? "", /others can write to it/);
    });

    it("is ignored where it is another user's", async function () {
      if (uid !== 0) this.skip();
      mkdirSync(join(home, ".tsh"));
      writeFileSync(file, "MINE=1\n", { mode: 0o600 });
      chownSync(file, 54_321, 54_321);
      assert.deepEqual(await read(12_345), {});
      assert.match(said[0] ?? "", /belongs neither to alice nor to root/);
    });

    it("is no way to files of root, nor to what is no file", async function () {
      if (uid !== 0) this.skip();
      const roots = join(home, "root");
      mkdirSync(roots);
      writeFileSync(join(roots, "environment"), "SECRET=1\n", { mode: 0o600 });
      symlinkSync(roots, join(home, ".tsh"));
      assert.deepEqual(await read(12_345), {}, "through a folder");
      rmSync(join(home, ".tsh"));
      mkdirSync(join(home, ".tsh"));
      symlinkSync(join(roots, "environment"), file);
      assert.deepEqual(await read(12_345), {}, "through a link");
      rmSync(file);
      linkSync(join(roots, "environment"), file);
      assert.deepEqual(await read(12_345), {}, "by another name");
      rmSync(file);
      mkdirSync(file);
      assert.deepEqual(await read(), {}, "a folder");
      assert.equal(said.length, 4);
    });
  });
});
