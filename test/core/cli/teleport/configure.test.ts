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

  it("checks the settings of the chosen plugins, third-party ones too, all at once", async () => {
    const file = path.join(folder, "teleport.yaml");
    await writeFile(
      path.join(folder, "hook.mjs"),
      `import { definePlugin, z } from "@teleport/plugin";
       export default definePlugin({ id: "audit.hook", kind: "audit", apiVersion: "^1.0.0",
         schema: z.strictObject({ url: z.url(), timeout_ms: z.number().optional() }), create: () => ({}) });`,
      { mode: 0o600 },
    );
    const check = async (pluginConfig: string): Promise<string[]> => {
      await writeFile(
        file,
        [
          "teleport:",
          "  plugins: [./hook.mjs]",
          `  storage: {type: dir, pth: /x, audit_events_uri: "hook://", audit_sessions_uri: "file:///records"}`,
          ...(pluginConfig === "" ? [] : [`  plugin_config: ${pluginConfig}`]),
          "proxy_service: {tls: {type: files, key_fil: /k}}",
        ].join("\n"),
      );
      const { code, stderr } = runBuilt("teleport", ["configure", "--test", file]);
      assert.equal(code, 1);
      return stderr.trimEnd().replaceAll(`${file}:`, "").split("\n");
    };
    assert.deepEqual(await check('{audit.hook: {url: "http://x.test", timeout_ms: soon}}'), [
      "3:24: unrecognized configuration key: 'pth', did you mean 'path'?",
      "4:66: 'timeout_ms' must be a number, not text",
      "5:36: unrecognized configuration key: 'key_fil', did you mean 'key_file'?",
    ]);
    const [first] = await check("");
    assert.equal(
      first,
      "1:1: plugin audit.hook: key 'url' is missing, " +
        "settings of this plugin stand under teleport.plugin_config.audit.hook",
    );
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
