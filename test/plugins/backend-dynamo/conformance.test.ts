import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { dynamoLocal, freshTable, needDynamo } from "../../kit/dynamodb.js";
import { AheadClock } from "./ahead-clock.js";
import { openDynamo } from "./open-dynamo.js";

describe("plugins/backend-dynamo: conformance", function () {
  this.timeout(180_000);
  let client: DynamoDBClient;

  before(async function () {
    needDynamo(this);
    const { endpoint, settings } = await dynamoLocal();
    const credentials = { accessKeyId: settings.access_key, secretAccessKey: settings.secret_key };
    client = new DynamoDBClient({ endpoint, region: settings.region, credentials });
  });
  after(() => client?.destroy());

  const cases = storageConformance(
    async () => {
      const table = freshTable("conformance");
      const clock = new AheadClock();
      const open = () => openDynamo(table, { clock });
      const dispose = async (): Promise<void> => {
        await client.send(new DeleteTableCommand({ TableName: table }));
      };
      return { storage: await open(), clock, peer: open, dispose };
    },
    { patienceMs: 30_000 },
  );
  for (const { name, run } of cases) {
    it(name, run);
  }
});
