/** The places in which a stock 4.2 cluster may have its state, each written and read as 4.2 does it. */
import path from "node:path";
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  paginateScan,
  waitUntilTableExists,
  type AttributeValue,
} from "@aws-sdk/client-dynamodb";
import { dynamoLocal, freshTable, needDynamo, type DynamoLocal } from "../../kit/dynamodb.js";
import { needEtcd, startEtcd, type EtcdCluster } from "../../kit/etcd.js";
import type { StockRow } from "./stock-rows.js";
import { readStockDatabase, writeStockDatabase } from "./stock-sqlite.js";

/** One such place. */
export interface StockStore {
  /** The keys of `teleport.storage`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Puts rows there. What has expired is left out, as its backend would have dropped it. */
  write(dataDir: string, rows: readonly StockRow[]): Promise<void>;
  /** All that is there, while no daemon runs. Fails for what 4.2 could not read. */
  read(dataDir: string): Promise<StockRow[]>;
  dispose(): Promise<void>;
}

/** A backend with the function that opens an empty place in it; call that in a `before` hook. */
export interface StockBackend {
  readonly name: string;
  open(context: Mocha.Context): Promise<StockStore>;
}

/** Every backend that 4.2 and we both have. */
export const STOCK_BACKENDS: readonly StockBackend[] = [
  { name: "dir", open: () => Promise.resolve(dirStore) },
  {
    name: "etcd",
    async open(context) {
      needEtcd(context);
      return etcdStore(await startEtcd());
    },
  },
  {
    name: "dynamodb",
    async open(context) {
      needDynamo(context);
      return dynamoStore(await dynamoLocal(), freshTable("stock"));
    },
  },
];

const dirStore: StockStore = {
  settings: { type: "dir" },
  write: async (dataDir, rows) => writeStockDatabase(path.join(dataDir, "backend"), rows),
  read: async (dataDir) => readStockDatabase(path.join(dataDir, "backend")),
  dispose: () => Promise.resolve(),
};

/** What 4.2 puts before every key, whatever prefix is configured. */
const ETCD_PREFIX = "/teleport";

function etcdStore(etcd: EtcdCluster): StockStore {
  const call = async <T>(route: string, body: object): Promise<T> => {
    const reply = await fetch(`${etcd.peers[0]}/v3/${route}`, { method: "POST", body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(`etcd refused ${route}: ${await reply.text()}`);
    return (await reply.json()) as T;
  };
  return {
    settings: etcd.settings({ type: "etcd", prefix: ETCD_PREFIX }),
    async write(_dataDir, rows) {
      for (const { key, value, expires } of rows) {
        const ttl = expires && Math.floor((expires.getTime() - Date.now()) / 1000);
        if (ttl !== undefined && ttl < 1) continue;
        const lease = ttl && (await call<{ ID: string }>("lease/grant", { TTL: ttl })).ID;
        await call("kv/put", { key: base64(ETCD_PREFIX + key), value: base64(base64(value)), lease });
      }
    },
    async read() {
      // From the first key to the last, so that nothing beside the prefix goes unseen.
      const everything = { key: "AA==", range_end: "AA==" };
      const { kvs = [] } = await call<{ kvs?: { key: string; value: string; lease?: string }[] }>(
        "kv/range",
        everything,
      );
      return Promise.all(
        kvs.map(async ({ key, value, lease }) => {
          const name = unbase64(key).toString();
          if (!name.startsWith(ETCD_PREFIX)) throw new Error(`${name} lies beside ${ETCD_PREFIX}`);
          const text = unbase64(value).toString();
          if (base64(unbase64(text)) !== text) throw new Error(`the value of ${name} is not base64`);
          const left = lease && (await call<{ TTL: string }>("lease/timetolive", { ID: lease })).TTL;
          return {
            key: name.slice(ETCD_PREFIX.length),
            value: unbase64(text),
            expires: left === undefined ? undefined : new Date(Date.now() + Number(left) * 1000),
          };
        }),
      );
    },
    dispose: () => etcd.dispose(),
  };
}

/** How many rows DynamoDB takes at once. */
const BATCH = 25;

function dynamoStore({ endpoint, settings }: DynamoLocal, table: string): StockStore {
  const { region, access_key: accessKeyId, secret_key: secretAccessKey } = settings;
  const client = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  return {
    settings: { ...settings, table_name: table },
    async write(_dataDir, rows) {
      // The table as 4.2 makes it.
      await client.send(
        new CreateTableCommand({
          TableName: table,
          AttributeDefinitions: [
            { AttributeName: "HashKey", AttributeType: "S" },
            { AttributeName: "FullPath", AttributeType: "S" },
          ],
          KeySchema: [
            { AttributeName: "HashKey", KeyType: "HASH" },
            { AttributeName: "FullPath", KeyType: "RANGE" },
          ],
          ProvisionedThroughput: { ReadCapacityUnits: 10, WriteCapacityUnits: 10 },
        }),
      );
      await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName: table });
      const items = rows.map((row) => ({ PutRequest: { Item: dynamoItem(row) } }));
      for (let i = 0; i < items.length; i += BATCH) {
        const RequestItems = { [table]: items.slice(i, i + BATCH) };
        await client.send(new BatchWriteItemCommand({ RequestItems }));
      }
    },
    async read() {
      const rows: StockRow[] = [];
      for await (const { Items = [] } of paginateScan({ client }, { TableName: table })) {
        rows.push(...Items.map(dynamoRow));
      }
      return rows;
    },
    async dispose() {
      await client.send(new DeleteTableCommand({ TableName: table })).catch((error: Error) => {
        if (error.name !== "ResourceNotFoundException") throw error;
      });
      client.destroy();
    },
  };
}

function dynamoItem({ key, value, expires }: StockRow): Record<string, AttributeValue> {
  const written = Date.parse("2026-11-22T11:10:00Z");
  return {
    HashKey: { S: "teleport" },
    FullPath: { S: `teleport${key}` },
    Value: { B: value },
    Timestamp: { N: String(written / 1000) },
    ID: { N: String(BigInt(written) * 1_000_000n) },
    ...(expires && { Expires: { N: String(Math.floor(expires.getTime() / 1000)) } }),
  };
}

/** Reads the attributes by the types that 4.2 expects. */
function dynamoRow({
  HashKey,
  FullPath,
  Value,
  Timestamp,
  ID,
  Expires,
}: Record<string, AttributeValue>): StockRow {
  const path = FullPath?.S ?? "";
  const wellFormed =
    HashKey?.S === "teleport" && path.startsWith("teleport") && Value?.B && Timestamp?.N && ID?.N;
  // A time in milliseconds would lie beyond all years that matter.
  if (!wellFormed || (Expires && !/^\d{10}$/.test(Expires.N ?? ""))) {
    throw new Error(`4.2 cannot read the row ${path}`);
  }
  return {
    key: path.slice("teleport".length),
    value: Buffer.from(Value.B),
    expires: Expires && new Date(Number(Expires.N) * 1000),
  };
}

const base64 = (data: string | Buffer): string => Buffer.from(data).toString("base64");
const unbase64 = (text: string): Buffer => Buffer.from(text, "base64");
