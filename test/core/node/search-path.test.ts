import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { searchPath } from "../../../core/node/search-path.js";

describe("search path", () => {
  const directory = mkdtempSync(join(tmpdir(), "login-defs-"));
  const file = join(directory, "login.defs");
  after(() => rmSync(directory, { recursive: true }));

  it("differs between root and others", () => {
    writeFileSync(file, "# comment\nUMASK 022\nENV_SUPATH\tPATH=/sbin:/bin\nENV_PATH  /bin:/games\n");
    assert.equal(searchPath(0, file), "/sbin:/bin");
    assert.equal(searchPath(1000, file), "/bin:/games");
  });

  it("has a default where the file is missing or silent", () => {
    const fallback = "/bin:/usr/bin:/usr/local/bin:/sbin";
    writeFileSync(file, "#ENV_PATH PATH=/x\nMAIL_DIR /var/mail\n");
    assert.equal(searchPath(0, file), fallback);
    assert.equal(searchPath(0, join(directory, "missing")), fallback);
  });
});
