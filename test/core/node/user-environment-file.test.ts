import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseUserEnvironment, readUserEnvironmentFile } from "../../../core/node/user-environment-file.js";

describe("user environment file", () => {
  const home = mkdtempSync(join(tmpdir(), "home-"));
  after(() => rmSync(home, { recursive: true }));

  it("takes assignments and passes over the rest", () => {
    const text = "# comment\n\nA=1\n B = two words\n=x\nnothing\nC=a=b\n";
    assert.deepEqual(Object.fromEntries(parseUserEnvironment(text)), { A: "1", B: " two words", C: "a=b" });
  });

  it("stops after a thousand lines", () => {
    const text = Array.from({ length: 1_200 }, (_, i) => `V${i}=1`).join("\n");
    assert.equal(parseUserEnvironment(text).size, 1_000);
  });

  it("reads a regular file, and no link to another user's", async () => {
    assert.equal((await readUserEnvironmentFile(home)).size, 0);
    mkdirSync(join(home, ".tsh"));
    writeFileSync(join(home, "secret"), "SECRET=1\n");
    const file = join(home, ".tsh", "environment");
    symlinkSync(join(home, "secret"), file);
    assert.equal((await readUserEnvironmentFile(home)).size, 0);
    rmSync(file);
    writeFileSync(file, "MINE=1\n");
    assert.deepEqual(Object.fromEntries(await readUserEnvironmentFile(home)), { MINE: "1" });
  });
});
