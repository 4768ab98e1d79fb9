import type { Clock } from "../../../core/plugin/clock.js";
import type { Logger } from "../../../core/plugin/logger.js";
import type { PluginMetrics } from "../../../core/plugin/metrics.js";
import { DynamoStorage } from "../../../plugins/backend-dynamo/dynamo-storage.js";
import { dynamoSettings, type DynamoSettings } from "../../../plugins/backend-dynamo/settings.js";
import { dynamoLocal } from "../../kit/dynamodb.js";

/** Settings for a table of DynamoDB Local, as teleport.yaml would give them; `keys` add to them or replace. */
export async function localSettings(
  table: string,
  keys: Record<string, unknown> = {},
): Promise<DynamoSettings> {
  const { type: _type, ...local } = (await dynamoLocal()).settings;
  return dynamoSettings.parse({ ...local, table_name: table, poll_stream_period: "100ms", ...keys });
}

/** Opens a storage on a table of DynamoDB Local that looks at its stream ten times a second. */
export async function openDynamo(
  table: string,
  more: { clock?: Clock; log?: Logger; metrics?: PluginMetrics; keys?: Record<string, unknown> } = {},
): Promise<DynamoStorage> {
  const { keys, ...options } = more;
  const storage = new DynamoStorage({ settings: await localSettings(table, keys), ...options });
  await storage.open();
  return storage;
}
