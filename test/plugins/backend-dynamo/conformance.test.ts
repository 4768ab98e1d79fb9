import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { storageConformance } from "../../../core/plugin/kit/storage-conformance.js";
import { dynamoLocal, freshTable, needDynamo } from "../../kit/dynamodb.js";
import { TcpProxy } from "../../kit/tcp-proxy.js";
import { AheadClock } from "./ahead-clock.js";
import { openDynamo } from "./open-dynamo.js";

const child = fileURLToPath(new URL("child.js", import.meta.url));

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

  const removal = (table: string) => async (): Promise<void> => {
    await client.send(new DeleteTableCommand({ TableName: table }));
  };
  const onAheadClock = storageConformance(
    async () => {
      const table = freshTable("conformance");
      const clock = new AheadClock();
      const open = () => openDynamo(table, { clock });
      return { storage: await open(), clock, peer: open, dispose: removal(table) };
    },
    { patienceMs: 30_000 },
  );
  // Another process does not see a clock that is put forward.
  const inRealTime = storageConformance(
    async () => {
      const table = freshTable("conformance");
      const local = await dynamoLocal();
      const proxy = new TcpProxy(new URL(local.endpoint));
      const { type: _type, ...settings } = local.settings;
      const keys = { ...settings, table_name: table, endpoint: await proxy.listen() };
      const open = () => openDynamo(table, { keys: { ...keys, retry_period: "200ms" } });
      const remove = removal(table);
      return {
        storage: await open(),
        peer: open,
        child: () => fork(child, [JSON.stringify(keys)]),
        outage: (during) => proxy.away(during),
        dispose: () => remove().finally(() => proxy.close()),
      };
    },
    { patienceMs: 30_000, crash: true, outage: true, groups: ["outage", "crash"] },
  );
  for (const { name, run } of [...onAheadClock, ...inRealTime]) {
    it(name, run);
  }
});
