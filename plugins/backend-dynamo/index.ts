/** `storage.dynamodb`: a table of Amazon DynamoDB in the format of 4.2, watched through its stream. */
import { definePlugin } from "@teleport/plugin";
import { DynamoStorage } from "./dynamo-storage.js";
import { dynamoSettings } from "./settings.js";

/** A new table takes AWS up to half a minute, and its continuous backups as long again. */
const START_LIMIT_MS = 120_000;

export default definePlugin({
  id: "storage.dynamodb",
  kind: "storage",
  apiVersion: "^1.0.0",
  schema: dynamoSettings,
  startTimeoutMs: START_LIMIT_MS,
  create(settings, { log, clock, metrics }) {
    const storage = new DynamoStorage({ settings, log, clock, metrics });
    return { product: storage, start: () => storage.open(), close: () => storage.close() };
  },
});
