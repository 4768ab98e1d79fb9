/** A second process on the same table, for the crash cases: `child.js <keys of teleport.storage as JSON>`. */
import { serveCrashWriter } from "../../../core/plugin/kit/storage-conformance.js";
import { DynamoStorage } from "../../../plugins/backend-dynamo/dynamo-storage.js";
import { dynamoSettings } from "../../../plugins/backend-dynamo/settings.js";

const keys = JSON.parse(process.argv[2] ?? "") as object;
await serveCrashWriter(async () => {
  const storage = new DynamoStorage({ settings: dynamoSettings.parse(keys) });
  await storage.open();
  return storage;
});
