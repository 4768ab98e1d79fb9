import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { temporaryFolder } from "../../../kit/paths.js";
import { runBuilt } from "../run-program.js";

describe("teleport configure", function () {
  this.timeout(30_000);
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  it("prints a sample that its own check accepts", async () => {
    const { code, stdout } = runBuilt("teleport", [
      "configure",
      "--cluster-name=example.test",
      `--data-dir=${folder}/data`,
    ]);
    assert.equal(code, 0);
    assert.match(stdout, /cluster_name: example\.test/);
    const file = path.join(folder, "teleport.yaml");
    await writeFile(file, stdout);
    assert.deepEqual(runBuilt("teleport", ["configure", "--test", file]), {
      code: 0,
      stdout: `${file} is valid\n`,
      stderr: "",
    });
    assert.deepEqual(await readdir(folder), ["teleport.yaml"], "the check touched nothing");
  });

  it("prints the place of each problem and fails", async () => {
    const file = path.join(folder, "teleport.yaml");
    await writeFile(file, "teleport:\n  nodnam: x\nssh_service:\n  listen_addr: [1]\n");
    const { code, stdout, stderr } = runBuilt("teleport", ["configure", "--test", file]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    const lines = stderr.trimEnd().split("\n");
    assert.equal(lines.length, 2);
    assert.ok(lines[0]!.startsWith(`${file}:2:3: `), lines[0]);
    assert.ok(lines[1]!.startsWith(`${file}:4:16: `), lines[1]);
  });

  it("names the file for problems between keys, and a plugin that does not exist", async () => {
    const file = path.join(folder, "teleport.yaml");
    await writeFile(file, "teleport:\n  storage: {type: bolt}\n");
    const { code, stderr } = runBuilt("teleport", ["configure", "--test", file]);
    assert.equal(code, 1);
    assert.ok(stderr.startsWith(`${file}: plugin storage.bolt failed in phase resolve`), stderr);
  });

  it("warns of keys without a function, and of a file that is not there", async () => {
    const file = path.join(folder, "teleport.yaml");
    await writeFile(file, "teleport:\n  seed_config: yes\n");
    const { code, stderr } = runBuilt("teleport", ["configure", "--test", file]);
    assert.equal(code, 0);
    assert.ok(stderr.startsWith(`warning: ${file}:2:3: teleport.seed_config has no effect`), stderr);
    const absent = path.join(folder, "absent.yaml");
    assert.equal(
      runBuilt("teleport", ["configure", "--test", absent]).stderr,
      `${absent}: path '${absent}' does not exist\n`,
    );
  });
});
