/** The AWS SDK as it is, on DynamoDB Local. */
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { dynamoLocal, freshTable } from "../../test/kit/dynamodb.js";
import type { BenchTarget } from "./target.js";

const HASH = "bench";

/** Two tables on the one server of this process. */
export async function dynamodbTarget(): Promise<BenchTarget> {
  const { endpoint, settings } = await dynamoLocal();
  const { type: _selectedBy, ...keys } = settings;
  const client = new DynamoDBClient({
    endpoint,
    region: settings.region,
    credentials: { accessKeyId: settings.access_key, secretAccessKey: settings.secret_key },
  });
  const TableName = freshTable("raw");
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "HashKey", AttributeType: "S" },
        { AttributeName: "FullPath", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "HashKey", KeyType: "HASH" },
        { AttributeName: "FullPath", KeyType: "RANGE" },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName });
  const keyOf = (n: number) => ({
    HashKey: { S: HASH },
    FullPath: { S: `/bench/${String(n).padStart(6, "0")}` },
  });
  return {
    name: "dynamodb",
    settings: { ...keys, table_name: freshTable("bench") },
    raw: {
      put: (n, value) =>
        client.send(new PutItemCommand({ TableName, Item: { ...keyOf(n), Value: { B: value } } })),
      get: (n) => client.send(new GetItemCommand({ TableName, Key: keyOf(n), ConsistentRead: true })),
      async range() {
        let count = 0;
        const pages = paginateQuery(
          { client },
          {
            TableName,
            KeyConditionExpression: "HashKey = :h AND FullPath BETWEEN :a AND :z",
            ExpressionAttributeValues: { ":h": { S: HASH }, ":a": { S: "/bench/" }, ":z": { S: "/bench0" } },
            ConsistentRead: true,
          },
        );
        for await (const { Count = 0 } of pages) count += Count;
        return count;
      },
    },
    watchBudgetMs: 1_500,
    sizes: { puts: 500, gets: 1_000 },
    close: () => Promise.resolve(client.destroy()),
  };
}
