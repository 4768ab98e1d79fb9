import assert from "node:assert/strict";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { temporaryFolder } from "../kit/paths.js";

const script = new URL("../../../scripts/build-stamp.mjs", import.meta.url).href;

describe("the stamp of a build", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let stamp: () => string;
  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    const { buildStamp } = (await import(script)) as { buildStamp: (folder: string) => string };
    stamp = () => buildStamp(folder);
    mkdirSync(path.join(folder, "core", "launch"), { recursive: true });
    for (const file of ["core/a.ts", "core/launch/b.js", "package-lock.json"]) {
      writeFileSync(path.join(folder, file), "x");
    }
  });
  afterEach(() => remove());

  it("stays while nothing changes", () => assert.equal(stamp(), stamp()));

  for (const file of ["core/a.ts", "core/launch/b.js", "package-lock.json"]) {
    it(`changes with the time of ${file}, also to an earlier one, and when it is deleted`, () => {
      const before = stamp();
      utimesSync(path.join(folder, file), 1, 1);
      const touched = stamp();
      rmSync(path.join(folder, file));
      assert.equal(new Set([before, touched, stamp()]).size, 3);
    });
  }
});
