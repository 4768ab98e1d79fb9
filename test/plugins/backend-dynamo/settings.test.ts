import assert from "node:assert/strict";
import { dynamoSettings } from "../../../plugins/backend-dynamo/settings.js";

const parse = (keys: Record<string, unknown>) => dynamoSettings.safeParse({ table_name: "state", ...keys });

describe("plugins/backend-dynamo/settings", () => {
  it("takes the keys of 4.2 with its defaults", () => {
    const settings = dynamoSettings.parse({ table_name: "state", region: "eu-central-1" });
    assert.deepEqual(settings, {
      table: "state",
      region: "eu-central-1",
      endpoint: undefined,
      credentials: undefined,
      billing: "provisioned",
      readUnits: 10,
      writeUnits: 10,
      pollPeriodMs: 1000,
      retryPeriodMs: 10_000,
      continuousBackups: false,
      autoScaling: undefined,
    });
    const full = dynamoSettings.parse({
      table_name: "state",
      access_key: "key",
      secret_key: "secret",
      poll_stream_period: "500ms",
      retry_period: "5s",
      continuous_backups: true,
      auto_scaling: true,
      read_min_capacity: 10,
      read_max_capacity: 100,
      read_target_value: 50.5,
      write_max_capacity: 20,
    });
    assert.deepEqual(full.credentials, { accessKeyId: "key", secretAccessKey: "secret" });
    assert.deepEqual(full.autoScaling, {
      read: { min: 10, max: 100, targetPercent: 50.5 },
      write: { min: 1, max: 20, targetPercent: 70 },
    });
  });

  const REFUSED: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ["an unknown key", { tabel: "x" }, /tabel/],
    ["a name that is no table's", { table_name: "a b" }, /name of a DynamoDB table/],
    ["half of the credentials", { access_key: "key" }, /belong together/],
    ["an endpoint without scheme", { endpoint: "localhost:8000" }, /must be a URL/],
    ["auto scaling without limits", { auto_scaling: true }, /needs read_max_capacity/],
    [
      "auto scaling on demand",
      { auto_scaling: true, read_max_capacity: 5, write_max_capacity: 5, billing_mode: "pay_per_request" },
      /leave it out/,
    ],
    ["a minimum above its maximum", { read_min_capacity: 9, read_max_capacity: 5 }, /must not be larger/],
    ["a period without unit", { poll_stream_period: "1" }, /duration/],
  ];
  for (const [what, keys, message] of REFUSED) {
    it(`refuses ${what}`, () => {
      const result = parse(keys);
      assert.ok(!result.success);
      assert.match(result.error.issues.map((issue) => issue.message).join("; "), message);
    });
  }
});
