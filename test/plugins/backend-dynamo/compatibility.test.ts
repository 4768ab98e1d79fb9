import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
} from "@aws-sdk/client-dynamodb";
import { collect, rejectsWith, text, WatchProbe } from "../../../core/plugin/kit/storage/trial.js";
import type { DynamoStorage } from "../../../plugins/backend-dynamo/dynamo-storage.js";
import { dynamoLocal, freshTable, needDynamo } from "../../kit/dynamodb.js";
import { fixture } from "../../kit/paths.js";
import { AheadClock } from "./ahead-clock.js";
import { openDynamo } from "./open-dynamo.js";

/** When the dump was taken: its expiries are moved by what has passed since. */
const DUMPED_SECONDS = Date.parse("2026-11-22T11:15:00Z") / 1000;
const ALL = { start: "", end: "\x7f" };

type Row = Record<string, AttributeValue>;

describe("plugins/backend-dynamo: a table shared with 4.2", function () {
  this.timeout(60_000);
  let client: DynamoDBClient;
  let storage: DynamoStorage;
  const table = freshTable("stock");
  const clock = new AheadClock();
  const now = (): number => Math.floor(clock.now().getTime() / 1000);

  before(async function () {
    needDynamo(this);
    const { endpoint, settings } = await dynamoLocal();
    const credentials = { accessKeyId: settings.access_key, secretAccessKey: settings.secret_key };
    client = new DynamoDBClient({ endpoint, region: settings.region, credentials });
    storage = await openDynamo(table, { clock });
  });
  after(async () => {
    await storage?.close();
    client?.destroy();
  });

  const rowKey = (key: string): Row => ({ HashKey: { S: "teleport" }, FullPath: { S: `teleport${key}` } });

  /** Writes as 4.2 does. */
  async function stockPut(key: string, row: Row): Promise<void> {
    await client.send(new PutItemCommand({ TableName: table, Item: { ...rowKey(key), ...row } }));
  }

  async function stockKeepAlive(key: string, seconds: number): Promise<void> {
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: rowKey(key),
        UpdateExpression: "SET Expires = :expires",
        ExpressionAttributeValues: { ":expires": { N: String(seconds) } },
      }),
    );
  }

  async function raw(key: string): Promise<Row | undefined> {
    return (
      await client.send(new GetItemCommand({ TableName: table, Key: rowKey(key), ConsistentRead: true }))
    ).Item;
  }

  it("reads a store of 4.2 in place", async () => {
    const late = now() - DUMPED_SECONDS;
    const lines = readFileSync(fixture("dynamo", "state-4.2.jsonl"), "utf8").trim().split("\n");
    for (const line of lines) {
      const { Value, Expires, ...row } = JSON.parse(line) as Row & { Value: { B_utf8: string } };
      await client.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            ...row,
            Value: { B: Buffer.from(Value.B_utf8) },
            ...(Expires?.N !== undefined && { Expires: { N: String(Number(Expires.N) + late) } }),
          },
        }),
      );
    }
    const items = await collect(storage, ALL);
    assert.equal(items.length, lines.length - 1, "all but the expired token");
    assert.ok(!items.some(({ key }) => key === "/tokens/f-expired"));
    assert.equal(new Set(items.map(({ revision }) => revision)).size, items.length);
    assert.match(text((await storage.get("/web/users/alice/pwd")).value), /^\$2a\$10\$/);
    assert.ok(((await storage.get("/tokens/f-msexp")).expires?.getUTCFullYear() ?? 0) > 50_000);
    for (const item of items) {
      // Whoever wrote it, it can be replaced by its revision, once.
      const { key, value, revision, expires } = item;
      if (key === "/tokens/f-msexp") continue;
      await storage.compareAndSwap({ key, value, expires }, revision);
      await rejectsWith("compare_failed", storage.compareAndSwap({ key, value, expires }, revision));
    }
  });

  it("writes items of the types that 4.2 needs", async () => {
    const expires = new Date((now() + 3600) * 1000 + 750);
    await storage.put({ key: "/typed", value: Buffer.from("one"), expires });
    const { Revision, ID, Timestamp, ...row } = (await raw("/typed")) ?? {};
    assert.deepEqual(row, {
      ...rowKey("/typed"),
      Value: { B: new Uint8Array(Buffer.from("one")) },
      Expires: { N: String(Math.floor(expires.getTime() / 1000)) },
    });
    assert.match(ID?.N ?? "", /^[0-9]{19}$/);
    assert.ok(Math.abs(Number(Timestamp?.N) - now()) <= 5);
    assert.ok(Revision?.S);
    await storage.put({ key: ".locks/cluster", value: Uint8Array.of(1) });
    assert.deepEqual(
      (
        await client.send(
          new GetItemCommand({
            TableName: table,
            Key: { HashKey: { S: "teleport" }, FullPath: { S: "teleport.locks/cluster" } },
          }),
        )
      ).Item?.["Expires"],
      undefined,
    );
  });

  it("notices when 4.2 rewrites an item, keeps it alive, or removes the revision", async () => {
    const value = { B: Buffer.from("stock") };
    const ours = async (): Promise<string> => storage.put({ key: "/shared", value: Buffer.from("ours") });
    const cas = (revision: string): Promise<string> =>
      storage.compareAndSwap({ key: "/shared", value: Buffer.from("next") }, revision);

    const first = await ours();
    await stockKeepAlive("/shared", now() + 600);
    await rejectsWith("compare_failed", cas(first));
    const kept = (await storage.get("/shared")).revision;
    await stockPut("/shared", { Value: value, ID: { N: "1795345682266317524" } });
    await rejectsWith("compare_failed", cas(kept));
    const stock = (await storage.get("/shared")).revision;
    await stockPut("/shared", { Value: value, ID: { N: "1795345682266317525" } });
    await rejectsWith("compare_failed", cas(stock));
    const second = (await storage.get("/shared")).revision;
    await stockKeepAlive("/shared", now() + 700);
    await rejectsWith("compare_failed", cas(second));
    const third = (await storage.get("/shared")).revision;
    await stockPut("/shared", { Value: { B: Buffer.from("other") }, Expires: { N: String(now() + 700) } });
    await rejectsWith("compare_failed", storage.delete("/shared", third));
    const last = await storage.get("/shared");
    assert.equal(text(last.value), "other");
    assert.notEqual(await cas(last.revision), last.revision);
  });

  it("reads an empty value as 4.2 writes it, and text that was written by hand", async () => {
    await stockPut("/empty", { Value: { NULL: true } });
    await stockPut("/text", { Value: { S: "by hand" } });
    await stockPut("/number", { Value: { N: "1" } });
    assert.equal((await storage.get("/empty")).value.length, 0);
    assert.equal(text((await storage.get("/text")).value), "by hand");
    await rejectsWith("corrupt", storage.get("/number"));
    await storage.delete("/number");
    const { revision } = await storage.get("/empty");
    await storage.update({ key: "/empty", value: new Uint8Array() }, revision);
  });

  it("sees what 4.2 writes", async () => {
    const stop = new AbortController();
    const probe = new WatchProbe(storage.watch(["/seen"], { signal: stop.signal }), 10_000);
    assert.equal(await probe.line(), "init");
    await stockPut("/seen", { Value: { B: Buffer.from("1") }, ID: { N: "7" } });
    const event = await probe.next();
    assert.ok(event.type === "put");
    assert.equal(event.item.revision, (await storage.get("/seen")).revision);
    stop.abort();
  });

  it("sweeps expired items of 4.2 that it meets, but not one that was written again", async () => {
    await stockPut("/swept/1", { Value: { B: Buffer.from("1") }, Expires: { N: String(now() - 10) } });
    const stop = new AbortController();
    const probe = new WatchProbe(storage.watch(["/swept/"], { signal: stop.signal }), 10_000);
    assert.equal(await probe.line(), "init");
    await stockPut("/swept/2", { Value: { B: Buffer.from("1") }, Expires: { N: String(now() + 5) } });
    assert.equal(await probe.line(), "put /swept/2 1");
    await rejectsWith("not_found", storage.get("/swept/1"));
    await storage.create({ key: "/swept/1", value: Buffer.from("again") });
    assert.equal(await probe.line(), "put /swept/1 again");
    await clock.advance(20_000);
    assert.equal(await probe.line(), "delete /swept/2");
    assert.equal(text((await storage.get("/swept/1")).value), "again");
    stop.abort();
  });
});
