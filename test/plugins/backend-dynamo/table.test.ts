import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  type CreateTableCommandInput,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import { errorMessage, hasCode } from "../../../core/errors/error.js";
import { silentLogger, type Logger } from "../../../core/plugin/logger.js";
import { dynamoLocal, freshTable, needDynamo } from "../../kit/dynamodb.js";
import { FaultProxy } from "./fault-proxy.js";
import { openDynamo } from "./open-dynamo.js";

const KEYS: Pick<CreateTableCommandInput, "AttributeDefinitions" | "KeySchema"> = {
  AttributeDefinitions: [
    { AttributeName: "HashKey", AttributeType: "S" },
    { AttributeName: "FullPath", AttributeType: "S" },
  ],
  KeySchema: [
    { AttributeName: "HashKey", KeyType: "HASH" },
    { AttributeName: "FullPath", KeyType: "RANGE" },
  ],
};
const UNITS = { ReadCapacityUnits: 3, WriteCapacityUnits: 4 };

describe("plugins/backend-dynamo/table", function () {
  this.timeout(60_000);
  let client: DynamoDBClient;

  before(async function () {
    needDynamo(this);
    const { endpoint, settings } = await dynamoLocal();
    client = new DynamoDBClient({
      endpoint,
      region: settings.region,
      credentials: { accessKeyId: settings.access_key, secretAccessKey: settings.secret_key },
    });
  });
  after(() => client?.destroy());

  async function describe(table: string): Promise<TableDescription> {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    assert.ok(Table);
    return Table;
  }

  async function make(more: Partial<CreateTableCommandInput>): Promise<string> {
    const table = freshTable("table");
    await client.send(
      new CreateTableCommand({ TableName: table, ...KEYS, ProvisionedThroughput: UNITS, ...more }),
    );
    return table;
  }

  async function openAndClose(
    table: string,
    keys: Record<string, unknown> = {},
    log?: Logger,
  ): Promise<void> {
    const storage = await openDynamo(table, { keys, ...(log && { log }) });
    await storage.close();
  }

  it("makes the table of 4.2", async () => {
    const table = freshTable("table");
    await openAndClose(table);
    const made = await describe(table);
    assert.deepEqual(made.KeySchema, KEYS.KeySchema);
    assert.equal(made.AttributeDefinitions?.length, 2);
    assert.equal(made.ProvisionedThroughput?.ReadCapacityUnits, 10);
    assert.equal(made.ProvisionedThroughput?.WriteCapacityUnits, 10);
    assert.deepEqual(made.StreamSpecification, { StreamEnabled: true, StreamViewType: "NEW_IMAGE" });
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: table }));
    assert.equal(TimeToLiveDescription?.TimeToLiveStatus, "ENABLED");
    assert.equal(TimeToLiveDescription?.AttributeName, "Expires");
  });

  it("makes it with the capacity that is set, or on demand", async () => {
    const provisioned = freshTable("table");
    await openAndClose(provisioned, { read_capacity_units: 7, write_capacity_units: 8 });
    const { ProvisionedThroughput } = await describe(provisioned);
    assert.equal(ProvisionedThroughput?.ReadCapacityUnits, 7);
    assert.equal(ProvisionedThroughput?.WriteCapacityUnits, 8);
    const onDemand = freshTable("table");
    await openAndClose(onDemand, { billing_mode: "pay_per_request" });
    assert.equal((await describe(onDemand)).BillingModeSummary?.BillingMode, "PAY_PER_REQUEST");
  });

  it("lets several processes make it at once", async () => {
    const table = freshTable("table");
    await Promise.all(Array.from({ length: 5 }, () => openAndClose(table)));
  });

  it("takes a table as it is, and switches on what it lacks", async () => {
    const table = await make({});
    await openAndClose(table, { billing_mode: "pay_per_request" });
    const found = await describe(table);
    assert.equal(found.ProvisionedThroughput?.ReadCapacityUnits, 3);
    assert.equal(found.StreamSpecification?.StreamViewType, "NEW_IMAGE");
    const both = { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" as const };
    await openAndClose(await make({ StreamSpecification: both }));
  });

  const UNUSABLE: readonly (readonly [string, Partial<CreateTableCommandInput>, RegExp])[] = [
    [
      "other keys",
      {
        AttributeDefinitions: [{ AttributeName: "Key", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "Key", KeyType: "HASH" }],
      },
      /has the keys Key \(HASH\).*set another table_name/,
    ],
    [
      "binary keys",
      {
        AttributeDefinitions: [
          { AttributeName: "HashKey", AttributeType: "S" },
          { AttributeName: "FullPath", AttributeType: "B" },
        ],
      },
      /needs the strings HashKey/,
    ],
    [
      "a stream without images",
      { StreamSpecification: { StreamEnabled: true, StreamViewType: "KEYS_ONLY" } },
      /shows KEYS_ONLY, but teleport needs NEW_IMAGE/,
    ],
  ];
  for (const [what, table, message] of UNUSABLE) {
    it(`refuses a table with ${what}`, async () => {
      const name = await make(table);
      await assert.rejects(openAndClose(name), (error) => {
        assert.ok(hasCode(error, "bad_parameter"), errorMessage(error));
        assert.match(errorMessage(error), message);
        return true;
      });
    });
  }

  it("warns where an emulator knows no continuous backups and no auto scaling", async () => {
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const scaling = { auto_scaling: true, read_max_capacity: 20, write_max_capacity: 20 };
    await openAndClose(freshTable("table"), { continuous_backups: true, ...scaling }, log);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? "", /continuous_backups is not offered by http:/);
    assert.match(warnings[1] ?? "", /auto_scaling is not offered by http:/);
  });

  it("switches on continuous backups where there are any, as soon as the table takes them", async () => {
    const proxy = await FaultProxy.open((await dynamoLocal()).endpoint);
    try {
      const asked: unknown[] = [];
      proxy.plan("UpdateContinuousBackups", { status: 400, type: "ContinuousBackupsUnavailableException" });
      proxy.plan("UpdateContinuousBackups", (request) => {
        asked.push(request);
        return Promise.resolve({ status: 200, body: {} });
      });
      const table = freshTable("table");
      await openAndClose(table, { continuous_backups: true, endpoint: proxy.endpoint });
      assert.deepEqual(asked, [
        { TableName: table, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } },
      ]);
      proxy.plan("UpdateContinuousBackups", { status: 400, type: "AccessDeniedException" });
      await assert.rejects(
        openAndClose(table, { continuous_backups: true, endpoint: proxy.endpoint }),
        /dynamodb:UpdateContinuousBackups.*IAM policy/,
      );
    } finally {
      await proxy.close();
    }
  });

  it("sets up auto scaling with its own service", async () => {
    const asked: { operation: string; body: Record<string, unknown> }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
        asked.push({
          operation,
          body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
        });
        response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end("{}");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const name = "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING";
    process.env[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const table = freshTable("table");
      await openAndClose(table, {
        auto_scaling: true,
        read_min_capacity: 5,
        read_max_capacity: 50,
        read_target_value: 60,
        write_min_capacity: 6,
        write_max_capacity: 70,
      });
      assert.deepEqual(
        asked.map(({ operation, body }) => [operation, body["ResourceId"], body["ScalableDimension"]]),
        ["Read", "Write"].flatMap((kind) =>
          ["RegisterScalableTarget", "PutScalingPolicy"].map((operation) => [
            operation,
            `table/${table}`,
            `dynamodb:table:${kind}CapacityUnits`,
          ]),
        ),
      );
      assert.deepEqual([asked[0]?.body["MinCapacity"], asked[0]?.body["MaxCapacity"]], [5, 50]);
      assert.deepEqual([asked[2]?.body["MinCapacity"], asked[2]?.body["MaxCapacity"]], [6, 70]);
      assert.deepEqual(asked[1]?.body["TargetTrackingScalingPolicyConfiguration"], {
        PredefinedMetricSpecification: { PredefinedMetricType: "DynamoDBReadCapacityUtilization" },
        TargetValue: 60,
      });
    } finally {
      delete process.env[name];
      server.close();
      server.closeAllConnections();
    }
  });

  it("names the permission that auto scaling lacks", async () => {
    const proxy = await FaultProxy.open((await dynamoLocal()).endpoint);
    try {
      proxy.plan("RegisterScalableTarget", { status: 400, type: "AccessDeniedException" });
      const scaling = { auto_scaling: true, read_max_capacity: 20, write_max_capacity: 20 };
      await assert.rejects(
        openAndClose(freshTable("table"), { ...scaling, endpoint: proxy.endpoint }),
        /AWS denies application-autoscaling:RegisterScalableTarget/,
      );
    } finally {
      await proxy.close();
    }
  });

  it("says what to do where nothing answers", async () => {
    const storage = openDynamo(freshTable("table"), {
      keys: { endpoint: "http://127.0.0.1:1", retry_period: "10ms" },
    });
    await assert.rejects(storage, (error) => {
      assert.ok(hasCode(error, "unavailable"));
      assert.match(errorMessage(error), /cannot be reached.*check the network, region and endpoint/);
      return true;
    });
  });
});
