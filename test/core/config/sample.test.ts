import assert from "node:assert/strict";
import { loadConfig } from "../../../core/config/load.js";
import { sampleConfig } from "../../../core/config/sample.js";
import { resolveSettings } from "../../../core/config/settings.js";

describe("sampleConfig", () => {
  it("loads without problems or warnings and starts all services", () => {
    const { config, warnings } = loadConfig(sampleConfig({ hostname: "graviton" }), "sample.yaml");
    assert.deepEqual(warnings, []);
    const settings = resolveSettings(config, {}, { hostname: "other" });
    assert.equal(settings.nodename, "graviton");
    assert.ok(settings.auth && settings.proxy && settings.node);
    assert.equal(settings.auth.keepAliveCountMax, 3);
    assert.equal(settings.readAuthToken?.(), settings.auth.staticTokens[0]?.token);
  });

  it("has a join token of its own each time", () => {
    assert.notEqual(sampleConfig({ hostname: "a" }), sampleConfig({ hostname: "a" }));
  });

  it("quotes names that YAML would take for something else", () => {
    for (const hostname of ["yes", "123", "1e5", "null", "0x1f"]) {
      const { config } = loadConfig(sampleConfig({ hostname, clusterName: hostname }), "sample.yaml");
      assert.equal(config.teleport?.nodename, hostname);
      assert.equal(config.authService?.clusterName, hostname);
    }
  });
});
