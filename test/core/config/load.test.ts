import assert from "node:assert/strict";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NOT_YET } from "../../../core/config/not-yet.js";
import { ConfigError } from "../../../core/document/problem.js";
import { loadConfig } from "../../../core/config/load.js";
import { fileSchema } from "../../../core/config/schema/file.js";
import { keysAt } from "../../../core/document/schema-keys.js";

const good = fileURLToPath(new URL("../../../../test/fixtures/config/good/", import.meta.url));

describe("loadConfig", () => {
  it("gives typed values in camelCase", () => {
    const { config } = loadConfig(readFileSync(`${good}every-key.yaml`, "utf8"), "every-key.yaml");
    assert.equal(config.fileName, "every-key.yaml");
    assert.deepEqual(config.teleport?.authServers, [
      { host: "10.1.0.5", port: 3025 },
      { host: "10.1.0.6", port: 3025 },
      { host: "2001:db8::1", port: 3025 },
    ]);
    assert.deepEqual(config.teleport?.connectionLimits?.rates, [{ period: 60_000, average: 100, burst: 50 }]);
    assert.deepEqual(config.teleport?.log?.output, { file: "/var/log/teleport.log" });
    assert.equal(config.teleport?.log?.severity, "warn");
    assert.deepEqual(config.teleport?.ciphersuites, ["ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA"]);
    assert.equal(config.authService?.clientIdleTimeout, 1_800_000);
    assert.deepEqual(config.authService?.listenAddr, { host: "0.0.0.0", port: 3025 });
    assert.deepEqual(config.sshService?.labels, { env: "prod", rack: "7" });
    assert.deepEqual(config.sshService?.commands, [
      { name: "kernel", command: ["/bin/uname", "-r"], period: 3_600_000 },
    ]);
    assert.deepEqual(config.proxyService?.proxyProtocolSources, [
      "10.0.0.0/8",
      "2001:db8::/32",
      "192.0.2.1/32",
    ]);
    assert.equal(config.proxyService?.enabled, true);
  });

  it("keeps plugin settings as a tree with positions", () => {
    const text = "teleport:\n  storage:\n    type: etcd\n    peers: [a]\n    audit_sessions_uri: /records\n";
    const storage = loadConfig(text, "t.yaml").config.teleport?.storage;
    assert.equal(storage?.type, "etcd");
    assert.equal(storage.auditSessionsUri?.href, "file:///records");
    assert.deepEqual([...(storage.settings?.entries.keys() ?? [])], ["peers"]);
    assert.deepEqual(storage.settings?.entries.get("peers")?.keyPosition, { line: 4, column: 5 });
  });

  it("reads scalars as the type that the schema expects", () => {
    const text =
      "teleport: {nodename: 0x10}\nssh_service: {labels: {a: 1.10, b: yes, c: true, d: , e: 2020-01-01}}\n";
    const { config } = loadConfig(text, "t.yaml");
    assert.equal(config.teleport?.nodename, "0x10");
    assert.deepEqual(config.sshService?.labels, { a: "1.10", b: "yes", c: "true", d: "", e: "2020-01-01" });
  });

  it("resolves aliases and lets explicit keys win over merged ones", () => {
    const { config } = loadConfig(readFileSync(`${good}anchors-and-merge.yaml`, "utf8"), "t.yaml");
    assert.equal(config.sshService?.enabled, false);
    assert.equal(config.proxyService?.enabled, true);
    assert.deepEqual(config.sshService?.publicAddr, [
      { host: "node-1", port: 3022 },
      { host: "10.0.0.5", port: 3022 },
    ]);
    assert.deepEqual(config.proxyService?.sshPublicAddr?.[1], { host: "10.0.0.5", port: 3023 });
  });

  it("finds every key without a function in the schema", () => {
    for (const dotted of Object.keys(NOT_YET)) {
      const path = dotted.split(".");
      assert.ok(keysAt(fileSchema, path.slice(0, -1)).includes(path.at(-1)!), dotted);
    }
  });

  it("throws nothing but ConfigError, whatever the text", () => {
    const piece = fc.constantFrom(
      ..."teleport|auth_service|ssh_service|labels|commands|storage|tokens|:| |\n|  |- |[|]|{|}|,|&a |*a|<<: |'|\"|!!str |? |#|---\n|%YAML 1.1\n|yes|1.5|null|~||>|\t".split(
        "|",
      ),
      "|",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          loadConfig(pieces.join(""), "f");
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
