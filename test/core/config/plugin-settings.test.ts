import assert from "node:assert/strict";
import { z } from "zod";
import { loadConfig } from "../../../core/config/load.js";
import { EMPTY_MAP } from "../../../core/config/schema/open-map.js";
import { checkPluginSettings } from "../../../core/config/plugin-settings.js";

const schema = z.strictObject({
  path: z.string().optional(),
  insecure: z.boolean().default(false),
  buffer_size: z.number().int().max(100).optional(),
  sync: z.enum(["OFF", "FULL"]).default("FULL"),
  peers: z.array(z.url()).min(2).optional(),
  nested: z.strictObject({ name: z.string() }).optional(),
  socket: z
    .string()
    .refine((path) => path.startsWith("/"), "must be an absolute path")
    .optional(),
  target: z.union([z.string(), z.strictObject({ host: z.string(), port: z.number() })]).optional(),
});

function checked(keys: string): z.output<typeof schema> {
  const text = `teleport:\n  storage:\n    type: x\n${keys}`;
  const settings = loadConfig(text, "t.yaml").config.teleport?.storage?.settings;
  assert.ok(settings);
  return checkPluginSettings(schema, settings, {
    fileName: "t.yaml",
    sharedKeys: ["region"],
    plugin: { id: "storage.x", section: "teleport.storage" },
  });
}

describe("checkPluginSettings", () => {
  it("gives typed settings, with booleans as Go's YAML reads them", () => {
    assert.deepEqual(checked("    insecure: yes\n    buffer_size: 7\n    sync: OFF\n    path: 12\n"), {
      insecure: true,
      buffer_size: 7,
      sync: "OFF",
      path: "12",
    });
  });

  it("leaves shared keys out where the plugin does not know them", () => {
    assert.deepEqual(checked("    region: eu-west-1\n"), { insecure: false, sync: "FULL" });
  });

  const cases: [string, string, string][] = [
    [
      "an unknown key",
      "    pth: /x\n",
      "t.yaml:4:5: unrecognized configuration key: 'pth', did you mean 'path'?",
    ],
    [
      "an ill-typed value",
      "    insecure: perhaps\n",
      "t.yaml:4:15: 'insecure' must be 'yes' or 'no', not text",
    ],
    ["a number out of range", "    buffer_size: 101\n", "t.yaml:4:18: 'buffer_size' must be at most 100"],
    ["a word out of a set", "    sync: SOON\n", "t.yaml:4:11: 'sync' must be one of: OFF, FULL"],
    ["a short list", "    peers: ['https://a']\n", "t.yaml:4:12: 'peers' must have at least 2 entries"],
    ["a bad format", "    peers: ['https://a', b]\n", "t.yaml:4:26: 'peers' is not a valid url"],
    ["a missing key", "    nested: {}\n", "t.yaml:4:13: key 'name' is missing"],
    [
      "a key inside a map",
      "    nested: {name: a, nam: b}\n",
      "t.yaml:4:23: unrecognized configuration key: 'nam', did you mean 'name'?",
    ],
    ["a rule of the plugin's own", "    socket: a\n", "t.yaml:4:13: 'socket' must be an absolute path"],
    ["no alternative of a union", "    target: {host: a}\n", "t.yaml:4:13: key 'port' is missing"],
  ];
  for (const [what, keys, message] of cases) {
    it(`places ${what}`, () => {
      assert.throws(() => checked(keys), { code: "config", message });
    });
  }

  it("names the plugin where the file has no settings for it to point at", () => {
    const plugin = { id: "audit.webhook", section: "teleport.plugin_config.audit.webhook" };
    const needy = z.strictObject({ url: z.url() });
    assert.throws(() => checkPluginSettings(needy, EMPTY_MAP, { fileName: "t.yaml", plugin }), {
      code: "config",
      message:
        "t.yaml:1:1: plugin audit.webhook: key 'url' is missing, " +
        "settings of this plugin stand under teleport.plugin_config.audit.webhook",
    });
  });

  it("reports everything at once", () => {
    assert.throws(
      () => checked("    pth: /x\n    buffer_size: x\n"),
      (error: Error) => {
        assert.equal(error.message.split("\n").length, 2);
        return true;
      },
    );
  });
});
