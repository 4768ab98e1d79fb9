import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { silentLogger, systemClock, type PluginContext } from "../../../core/plugin/index.js";
import { checkPluginGraph, openPluginHost, runPlugin } from "../../../core/plugin/host.js";
import { fixture, privateCopy, temporaryFolder } from "../../kit/paths.js";

const broken = fixture("plugins", "broken");
const cases = readdirSync(broken)
  .filter((name) => name.endsWith(".mjs"))
  .map((name) => name.replace(".mjs", ""));

const context: PluginContext = {
  log: silentLogger,
  clock: systemClock,
  dataDir: "/nonexistent",
  hostId: "2b7ae4d3-0000-4000-8000-000000000000",
  hostname: "host",
};

/** A complete third-party plugin; `extra` goes into its definition. */
const source = (id: string, extra = ""): string =>
  `import { definePlugin, z } from "@teleport/plugin";
   export default definePlugin({ id: "${id}", kind: "${id.split(".")[0]}", apiVersion: "^1.0.0", schema: z.strictObject({}), ${extra}
     create: () => ({ product: { mark: "${id}" }, close: async () => {} }) });`;

describe("plugin host", () => {
  let folder: string;
  let remove: () => Promise<void>;
  beforeEach(async () => ({ folder, remove } = await temporaryFolder()));
  afterEach(() => remove());

  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };

  /** Takes a plugin through its whole life until it fails. */
  const live = async (specifier: string): Promise<void> => {
    const host = await openPluginHost([specifier], folder);
    const definition = await host.definition("storage", "broken");
    checkPluginGraph([definition]);
    await runPlugin(definition, {}, context);
  };

  for (const name of cases) {
    it(`stops the start for the broken plugin ${name}, naming it, the phase and the cause`, async () => {
      await privateCopy(path.join(broken, `${name}.mjs`), folder);
      const expected = readFileSync(path.join(broken, `${name}.txt`), "utf8").trimEnd();
      await assert.rejects(live(`./${name}.mjs`), (error: Error & { code?: string }) => {
        assert.equal(error.code, "plugin");
        assert.ok(error.message.includes(expected), `${error.message} should hold ${expected}`);
        assert.match(error.message, /^plugin (\.\/[a-z-]+\.mjs|storage\.broken) failed in phase /);
        return true;
      });
    });
  }

  it("loads a third-party file that imports @teleport/plugin from a folder without node_modules", async () => {
    write("mine.mjs", source("storage.mine"));
    const host = await openPluginHost(["./mine.mjs"], folder);
    const running = await runPlugin(await host.definition("storage", "mine"), {}, context);
    assert.deepEqual(running.product, { mark: "storage.mine" });
    await Promise.all([running.close(), running.close()]);
  });

  it("finds an npm name beside the configuration", async () => {
    write("node_modules/teleport-audit-splunk/package.json", `{"type":"module","exports":"./x.js"}`);
    write("node_modules/teleport-audit-splunk/x.js", source("audit.splunk"));
    const host = await openPluginHost(["teleport-audit-splunk"], folder);
    assert.equal((await host.definition("audit", "splunk")).id, "audit.splunk");
  });

  it("loads every built-in plugin", async () => {
    const host = await openPluginHost([], folder);
    assert.equal((await host.definition("storage", "dir")).id, "storage.dir");
    assert.equal((await host.definition("tls", "files")).id, "tls.files");
    assert.equal((await host.definition("audit", "file")).id, "audit.file");
    assert.equal((await host.definition("audit", "stdout")).id, "audit.stdout");
    assert.equal((await host.definition("recording", "file")).id, "recording.file");
  });

  it("names what there is where nothing of the name exists", async () => {
    const host = await openPluginHost([], folder);
    await assert.rejects(host.definition("storage", "bolt"), /storage\.bolt .*known are storage\.dir/);
  });

  it("names a plugin file or package that is not there", async () => {
    await assert.rejects(
      openPluginHost(["./gone.mjs"], folder),
      /phase resolve: there is no file .*gone\.mjs/,
    );
    await assert.rejects(
      openPluginHost(["teleport-gone"], folder),
      /phase resolve: there is no npm package teleport-gone/,
    );
  });

  it("refuses a file that others can write, and a folder of it that others can write", async () => {
    const file = write("mine.mjs", source("storage.mine"));
    chmodSync(file, 0o622);
    await assert.rejects(openPluginHost(["./mine.mjs"], folder), /run chmod go-w .*mine\.mjs/);
    chmodSync(file, 0o600);
    mkdirSync(path.join(folder, "open"));
    write("open/mine.mjs", source("storage.mine"));
    chmodSync(path.join(folder, "open"), 0o777);
    await assert.rejects(openPluginHost(["./open/mine.mjs"], folder), /run chmod go-w .*open/);
  });

  it("refuses two plugins with one id", async () => {
    write("one.mjs", source("storage.mine"));
    write("two.mjs", source("storage.mine"));
    await assert.rejects(
      openPluginHost(["./one.mjs", "./two.mjs"], folder),
      /two\.mjs .*storage\.mine is taken/,
    );
  });

  it("names the path of a plugin that needs a kind nobody gives", async () => {
    write("needy.mjs", source("audit.needy", `uses: ["storage"],`));
    const host = await openPluginHost(["./needy.mjs"], folder);
    const needy = await host.definition("audit", "needy");
    assert.throws(() => checkPluginGraph([needy]), /audit\.needy needs a storage plugin/);
  });
});
