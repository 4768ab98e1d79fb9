import assert from "node:assert/strict";
import { errorMessage, hasCode } from "../../../core/errors/error.js";
import { rejectsWith, WatchProbe } from "../../../core/plugin/kit/storage/trial.js";
import type { DynamoStorage } from "../../../plugins/backend-dynamo/dynamo-storage.js";
import { dynamoLocal, freshTable, needDynamo } from "../../kit/dynamodb.js";
import { FaultProxy } from "./fault-proxy.js";
import { openDynamo } from "./open-dynamo.js";

const THROTTLED = { status: 400, type: "ProvisionedThroughputExceededException" };
const BROKEN = { status: 500, type: "InternalServerError" };
const value = new TextEncoder().encode("value");
let keys = 0;
const freshKey = (): string => `/fault/${++keys}`;

describe("plugins/backend-dynamo: faults of the service", function () {
  this.timeout(60_000);
  let proxy: FaultProxy;
  let storage: DynamoStorage;
  const counted = { retried: 0, throttled: 0, reconnected: 0 };
  const metrics = {
    count(event: keyof typeof counted, times = 1): void {
      counted[event] += times;
    },
  };

  before(async function () {
    needDynamo(this);
    proxy = await FaultProxy.open((await dynamoLocal()).endpoint);
    storage = await openDynamo(freshTable("faults"), {
      metrics,
      keys: { endpoint: proxy.endpoint, retry_period: "20ms" },
    });
  });
  afterEach(() => proxy.clear());
  after(async () => {
    await storage?.close();
    await proxy?.close();
  });

  it("tries again where it is throttled, and counts that", async () => {
    const key = freshKey();
    proxy.plan("PutItem", THROTTLED, 3);
    proxy.plan("GetItem", { status: 400, type: "ThrottlingException" }, 2);
    const before = { ...counted };
    const revision = await storage.put({ key, value });
    assert.equal((await storage.get(key)).revision, revision);
    assert.equal(counted.throttled - before.throttled, 5);
    assert.equal(counted.retried - before.retried, 5);
  });

  it("gives up in the end, as unavailable, never not_found", async () => {
    for (const operation of ["GetItem", "PutItem", "DeleteItem", "UpdateItem", "Query"]) {
      proxy.plan(operation, THROTTLED, 1000);
    }
    const key = freshKey();
    const range = { start: "/fault/", end: "/fault0" };
    await rejectsWith("unavailable", storage.get(key));
    await rejectsWith("unavailable", storage.put({ key, value }));
    await rejectsWith("unavailable", storage.update({ key, value }));
    await rejectsWith("unavailable", storage.delete(key));
    await rejectsWith("unavailable", storage.keepAlive(key, new Date(Date.now() + 3_600_000)));
    await rejectsWith("unavailable", storage.deleteRange(range));
    assert.ok(proxy.operations.length < 100, "it went on without end");
    proxy.clear();
    await rejectsWith("not_found", storage.get(key));
  });

  for (const [type, hint] of [
    ["AccessDeniedException", /dynamodb:GetItem.*IAM policy/],
    ["UnrecognizedClientException", /credentials/],
    ["ExpiredTokenException", /credentials.*expired/],
    ["ResourceNotFoundException", /teleport-faults.*does not exist in local/],
  ] as const) {
    it(`says what is wrong at ${type}, at once`, async () => {
      proxy.plan("GetItem", { status: 400, type }, 1000);
      await assert.rejects(storage.get("/fault/x"), (error) => {
        assert.ok(hasCode(error, "unavailable"));
        assert.match(errorMessage(error), hint);
        return true;
      });
      assert.equal(proxy.operations.filter((operation) => operation === "GetItem").length, 1);
    });
  }

  for (const [name, fault] of [
    ["an error after the write", { ...BROKEN, after: true }],
    ["a connection cut after the write", "cut-after"],
  ] as const) {
    it(`takes its own write for a success: ${name}`, async () => {
      const key = freshKey();
      proxy.plan("PutItem", fault);
      const created = await storage.create({ key, value });
      assert.equal((await storage.get(key)).revision, created);
      proxy.plan("PutItem", fault);
      const swapped = await storage.compareAndSwap({ key, value }, created);
      proxy.plan("PutItem", fault);
      const updated = await storage.update({ key, value }, swapped);
      assert.equal((await storage.get(key)).revision, updated);
      proxy.plan("UpdateItem", fault);
      const kept = await storage.keepAlive(key, new Date(Date.now() + 3_600_000));
      assert.equal((await storage.get(key)).revision, kept);
    });
  }

  it("does not say whose a delete was, where its answer was lost", async () => {
    const key = freshKey();
    await storage.create({ key, value });
    proxy.plan("DeleteItem", "cut-after");
    await rejectsWith("unavailable", storage.delete(key));
    await rejectsWith("not_found", storage.delete(key));
  });

  it("does not take another's write for a refusal of its own, where its answer was lost", async () => {
    const key = freshKey();
    const first = await storage.create({ key, value });
    proxy.plan("PutItem", async (request, forward) => {
      await forward(request);
      const {
        ConditionExpression: _1,
        ExpressionAttributeValues: _2,
        ...other
      } = request as Record<string, unknown>;
      const item = { ...(other["Item"] as object), Revision: { S: "another" } };
      await forward({ TableName: other["TableName"], Item: item });
      return { status: 500, body: { __type: "InternalServerError" } };
    });
    await rejectsWith("unavailable", storage.compareAndSwap({ key, value }, first));
    await rejectsWith("compare_failed", storage.compareAndSwap({ key, value }, first));
  });

  it("writes and removes what the service leaves over of a batch", async () => {
    const names = Array.from({ length: 60 }, (_, n) => `/batch/${n}`);
    const half = async (
      request: unknown,
      forward: (request: unknown) => Promise<{ status: number; body: Record<string, unknown> }>,
    ) => {
      const { RequestItems } = request as { RequestItems: Record<string, unknown[]> };
      const [[table, writes] = ["", []]] = Object.entries(RequestItems);
      assert.ok(writes.length <= 25, `${writes.length} writes in one batch`);
      const { status } = await forward({ RequestItems: { [table]: writes.slice(0, 1) } });
      return { status, body: writes.length > 1 ? { UnprocessedItems: { [table]: writes.slice(1) } } : {} };
    };
    proxy.plan("BatchWriteItem", half, 5);
    await Promise.all(names.map((key) => storage.put({ key, value })));
    proxy.plan("BatchWriteItem", half, 5);
    assert.equal(await storage.deleteRange({ start: "/batch/", end: "/batch0" }), 60);
    for await (const { key } of storage.range({ start: "/batch/", end: "/batch0" })) {
      assert.fail(`${key} is left`);
    }
  });

  it("refuses what does not fit, and stores the largest that does", async () => {
    const { maxKeyBytes, maxValueBytes } = storage.capabilities;
    const key = "/".padEnd(maxKeyBytes, "k");
    const largest = new Uint8Array(maxValueBytes).fill(1);
    const expires = new Date(Date.now() + 3_600_000);
    await storage.put({ key, value: largest, expires });
    assert.equal((await storage.get(key)).value.length, maxValueBytes);
    await rejectsWith("limit_exceeded", storage.put({ key: "/k", value: new Uint8Array(maxValueBytes + 1) }));
    await rejectsWith("limit_exceeded", storage.put({ key: `${key}k`, value }));
    proxy.plan("PutItem", {
      status: 400,
      type: "ValidationException",
      message: "Item size has exceeded the maximum allowed size",
    });
    await rejectsWith("limit_exceeded", storage.create({ key: freshKey(), value }));
  });

  describe("while watched", () => {
    let stop: AbortController;
    let probe: WatchProbe;

    beforeEach(async () => {
      stop = new AbortController();
      probe = new WatchProbe(storage.watch(["/watched/"], { signal: stop.signal }), 20_000);
      assert.equal(await probe.line(), "init");
      await storage.put({ key: "/watched/1", value });
      assert.equal(await probe.line(), "put /watched/1 value");
    });
    afterEach(() => stop.abort());

    it("goes on through throttled and expired reads of the stream", async () => {
      proxy.plan("GetRecords", THROTTLED, 3);
      proxy.plan("GetRecords", { status: 400, type: "ExpiredIteratorException" });
      await storage.put({ key: "/watched/2", value });
      assert.equal(await probe.line(), "put /watched/2 value");
    });

    it("resets every watch where the stream was trimmed", async () => {
      // For the feed of all watches, and for the watch that then tries to find its own place.
      const trimmed = { status: 400, type: "TrimmedDataAccessException" };
      proxy.plan("GetRecords", trimmed);
      proxy.plan(
        "GetShardIterator",
        async (request, forward) =>
          (request as { ShardIteratorType: string }).ShardIteratorType === "LATEST"
            ? forward(request)
            : { status: 400, body: { __type: trimmed.type } },
        2,
      );
      assert.equal(await probe.line(), "reset");
      await storage.put({ key: "/watched/3", value });
      assert.equal(await probe.line(), "put /watched/3 value");
    });
  });
});
