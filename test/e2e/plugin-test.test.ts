/** `teleport plugin test` as a plugin's author runs it: on the embedded backend, and on third-party plugins with defects. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Item, Storage } from "@teleport/plugin";
import { openDirStorage } from "../../plugins/backend-dir/index.js";
import { repoRoot, temporaryFolder } from "../kit/paths.js";
import { ours, run, type Outcome } from "./kit/programs.js";

interface Report {
  readonly plugin: string;
  readonly seed: number;
  readonly complete: boolean;
  readonly capabilities: readonly { capability: string; stated: unknown; proven: string }[];
  readonly groups: readonly { group: string; passed: number; failed: number; skipped: number }[];
  readonly cases: readonly { group: string; title: string; seed?: number; status: string; reason?: string }[];
}

const flawedPlugin = path.join(repoRoot, "dist", "test", "core", "plugin", "kit", "flawed-plugin.js");

describe("e2e: teleport plugin test", function () {
  this.timeout(120_000);
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  const write = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };

  /** A teleport.yaml with a store of its own. */
  const configFile = (storage: string): string => {
    mkdirSync(path.join(folder, "data"), { mode: 0o700, recursive: true });
    return write("test.yaml", `teleport:\n  data_dir: ${folder}/data\n  storage: ${storage}\n`);
  };
  const test = (...args: string[]): Promise<Outcome> =>
    run(ours("teleport"), ["plugin", "test", ...args], {
      cwd: folder,
      env: { TMPDIR: folder },
      timeoutMs: 110_000,
    });

  /** Works on the store of {@link configFile}. */
  const onStore = async <T>(work: (storage: Storage) => Promise<T>): Promise<T> => {
    const storage = await openDirStorage({ directory: `${folder}/data/backend` });
    try {
      return await work(storage);
    } finally {
      await storage.close();
    }
  };
  const storedKeys = (): Promise<string[]> =>
    onStore(async (storage) => {
      const items: Item[] = [];
      for await (const item of storage.range({ start: " ", end: "\u{10ffff}" })) items.push(item);
      return items.map(({ key }) => key);
    });

  it("passes the built-in backend, repeats seeds, and leaves nothing behind", async () => {
    const { code, stdout, stderr } = await test(
      "storage.dir",
      ...["--only", "races,crash", "--seed", "5", "--format", "json"],
    );
    assert.equal(code, 0, stderr + stdout);
    const report = JSON.parse(stdout) as Report;
    assert.deepEqual([report.plugin, report.seed, report.complete], ["storage.dir", 5, true]);
    assert.deepEqual(
      report.groups.map(({ group, failed, skipped }) => [group, failed, skipped]),
      [
        ["races", 0, 0],
        ["crash", 0, 0],
      ],
    );
    const races = report.cases.filter(({ title }) => title.startsWith("random calls"));
    assert.deepEqual(
      races.map(({ seed, status }) => [seed, status]),
      [
        [5, "passed"],
        [6, "passed"],
        [7, "passed"],
      ],
    );
    assert.ok(report.capabilities.every(({ proven }) => proven === "untested"));
    assert.deepEqual(readdirSync(folder), []);
  });

  it("says what a capability is worth, and refuses or protects a store that is in use", async () => {
    const config = configFile("{type: dir}");
    await onStore((storage) => storage.put({ key: "/web/users/alice/params", value: Buffer.from("{}") }));
    const refused = await test("storage.dir", "--config", config);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^error: the store of storage\.dir is in use \(it holds \/web\/users\/alice\/params\)/,
    );
    assert.deepEqual(await storedKeys(), ["/web/users/alice/params"]);

    const allowed = await test(
      "storage.dir",
      "--config",
      config,
      "--allow-occupied",
      "--only",
      "sizes,items",
    );
    assert.equal(allowed.code, 0, allowed.stdout);
    assert.match(allowed.stdout, /^Testing storage\.dir on the store of .*test\.yaml, seed \d+\.\n/);
    assert.match(allowed.stdout, /^sizes +6 +0 +0 /m);
    assert.match(allowed.stdout, /^maxValueBytes +8388608 +yes *$/m);
    assert.match(allowed.stdout, /^ttl +swept +untested *$/m);
    assert.match(allowed.stdout, /\n\d+ passed, 0 failed, 0 skipped\n$/);
    assert.deepEqual(await storedKeys(), ["/web/users/alice/params"]);
  });

  it("names the defects of a third-party plugin, and cleans up after it", async () => {
    write("flawed.mjs", `export { default } from ${JSON.stringify(flawedPlugin)};\n`);
    const find = (flaw: string, ...args: string[]): Promise<Outcome> =>
      test("./flawed.mjs", "--config", configFile(`{type: flawed, flaw: "${flaw}"}`), ...args);

    const race = await find("compareAndSwap reads, then writes", "--only", "conditions", "--seed", "1");
    assert.equal(race.code, 1, race.stderr);
    assert.match(race.stdout, /^FAILED conditions: of 50 swaps of one revision one wins/m);
    assert.match(
      race.stdout,
      /^ {4}again: teleport plugin test \.\/flawed\.mjs --config .* --only conditions$/m,
    );
    assert.deepEqual(await storedKeys(), []);

    const crash = await find(
      "writes are acknowledged before they are durable",
      "--only",
      "crash",
      "--seed",
      "9",
    );
    assert.equal(crash.code, 1, crash.stderr);
    assert.match(crash.stdout, /^FAILED crash: what was acknowledged before a kill is there.*\(seed 9\)$/m);
    assert.match(crash.stdout, /although step \d+ was the last one acknowledged/);
    assert.deepEqual(await storedKeys(), []);
  });

  it("fails the case in which a plugin throws where nobody can catch it", async () => {
    write(
      "stray.mjs",
      `import flawed from ${JSON.stringify(flawedPlugin)};
       export default { ...flawed, id: "storage.stray", async create(settings, context) {
         const running = await flawed.create(settings, context);
         const get = running.product.get.bind(running.product);
         running.product.get = (key) => { void Promise.reject(new Error("lost in the woods")); return get(key); };
         return running;
       } };\n`,
    );
    const { code, stdout } = await test("./stray.mjs", "--only", "life");
    assert.equal(code, 1);
    assert.match(stdout, /an error was thrown where nobody can catch it: Error: lost in the woods/);
    assert.match(stdout, /^life +[1-5] +[1-5] +0 /m);
  });

  it("ends early at an interrupt, and removes what it has written", async () => {
    const config = configFile("{type: dir}");
    const child = spawn(
      process.execPath,
      [ours("teleport"), "plugin", "test", "storage.dir", "--config", config, "--only", "expiry,items"],
      { cwd: folder, env: { ...process.env, TMPDIR: folder }, stdio: ["ignore", "pipe", "pipe"] },
    );
    const said: string[] = [];
    child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
    const ended = once(child, "exit");
    // The announcement comes before the first case, and the cases that wait before all others.
    await once(
      child.stdout.setEncoding("utf8").on("data", (text: string) => said.push(text)),
      "data",
    );
    child.kill("SIGINT");
    const [code] = (await ended) as [number];
    assert.equal(code, 1, said.join(""));
    assert.match(said.join(""), /error: the test was interrupted/);
    assert.deepEqual(await storedKeys(), []);
    assert.deepEqual(readdirSync(folder).sort(), ["data", "test.yaml"]);
  });

  it("says in one line what cannot be tested, and why", async () => {
    write("bare.mjs", `export default 1;\n`);
    write(
      "needy.mjs",
      `import { definePlugin, z } from "@teleport/plugin";
       export default definePlugin({ id: "storage.needy", kind: "storage", apiVersion: "^1.0.0",
         schema: z.strictObject({ url: z.string() }), create: () => { throw new Error("not reached"); } });\n`,
    );
    const config = configFile("{type: dir}");
    const refusals: [string[], RegExp][] = [
      [["audit.file"], /^error: audit\.file is no storage plugin: only those have a conformance kit\n$/],
      [["./bare.mjs"], /^error: plugin .*bare\.mjs failed in phase load: its module has no default export/],
      [["./none.mjs"], /^error: plugin .*none\.mjs failed in phase resolve: there is no file/],
      [["./needy.mjs"], /^error: storage\.needy needs settings \(url: .*\): give them with --config FILE\n$/],
      [["./needy.mjs", "--config", config], /^error: .*test\.yaml selects storage\.dir, not storage\.needy/],
      [["storage.dir", "--only", "nonsense"], /^error: .*There is no group 'nonsense'/],
      [["storage.dir", "--seed", "-1"], /^error: .*must be a whole number/],
      [["storage.dir", "--config", "none.yaml"], /^error: path 'none\.yaml' does not exist\n$/],
    ];
    for (const [args, message] of refusals) {
      const { code, stdout, stderr } = await test(...args);
      assert.equal(code, 1, args.join(" "));
      assert.match(stderr, message, args.join(" "));
      assert.equal(stdout, "");
    }
  });
});
