import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSelectedConfig } from "../../../core/config/config-source.js";

describe("loadSelectedConfig", () => {
  let folder: string;
  let path: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "config-source-"));
    path = join(folder, "teleport.yaml");
    writeFileSync(path, "teleport: {nodename: file}");
  });
  after(() => rmSync(folder, { recursive: true }));

  const encoded = (name: string): string => Buffer.from(`teleport: {nodename: ${name}}`).toString("base64");
  const nodename = (...args: Parameters<typeof loadSelectedConfig>): string | undefined =>
    loadSelectedConfig(...args)?.config.teleport?.nodename;

  it("takes the flag's text before the environment's, and both before a file", () => {
    const environment = { TELEPORT_CONFIG: encoded("environment") };
    assert.equal(nodename({ config: path, configString: encoded("flag") }, environment), "flag");
    assert.equal(nodename({ config: path }, environment), "environment");
    assert.equal(nodename({ config: path }, {}), "file");
  });

  it("goes without the default file, not without a named one", () => {
    assert.equal(loadSelectedConfig({}, {}, join(folder, "none")), undefined);
    assert.equal(nodename({}, {}, path), "file");
    assert.throws(() => loadSelectedConfig({ config: "/x/y" }, {}), {
      code: "bad_parameter",
      message: "path '/x/y' does not exist",
    });
  });

  it("names the source in messages", () => {
    const broken = Buffer.from("teleport: 1").toString("base64");
    assert.throws(() => loadSelectedConfig({}, { TELEPORT_CONFIG: broken }), {
      message: /^TELEPORT_CONFIG:1:11: /,
    });
    assert.throws(() => loadSelectedConfig({ configString: "?" }, {}), {
      message: "--config-string is not base64",
    });
    assert.throws(() => loadSelectedConfig({ config: folder }, {}), {
      message: /cannot read the configuration file/,
    });
  });
});
