import assert from "node:assert/strict";
import { systemClock } from "../../../../core/plugin/clock.js";
import { WatchProbe } from "../../../../core/plugin/kit/storage/trial.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import { openClients, type AwsClients } from "../../../../plugins/backend-dynamo/clients.js";
import { Requests } from "../../../../plugins/backend-dynamo/requests.js";
import { ChangeFeed } from "../../../../plugins/backend-dynamo/stream/change-feed.js";
import { StreamApi } from "../../../../plugins/backend-dynamo/stream/stream-api.js";
import { FakeStream } from "../fake-stream.js";

const PATIENCE_MS = 10_000;

describe("plugins/backend-dynamo/stream/change-feed", function () {
  this.timeout(30_000);
  let stream: FakeStream;
  let clients: AwsClients;
  let requests: Requests;
  let closing: AbortController;

  beforeEach(async () => {
    stream = await FakeStream.open();
    const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
    clients = await openClients({ region: "local", endpoint: stream.endpoint, credentials });
    const context = { table: "fake", region: "local", clock: systemClock, log: silentLogger };
    requests = new Requests({ ...context, retryPeriodMs: 20 });
    closing = new AbortController();
  });
  afterEach(async () => {
    closing.abort();
    await requests.close(0);
    clients.close();
    await stream.close();
  });

  async function openFeed(): Promise<ChangeFeed> {
    const feed = new ChangeFeed({
      openStream: () => Promise.resolve(new StreamApi(clients.streams, requests, stream.arn)),
      clock: systemClock,
      log: silentLogger,
      pollPeriodMs: 20,
      retryPeriodMs: 20,
      onChange: () => undefined,
      signal: closing.signal,
    });
    await feed.open();
    return feed;
  }

  /** A watch of everything that has said `init`. */
  async function watch(feed: ChangeFeed, cursor?: string): Promise<WatchProbe> {
    const probe = new WatchProbe(feed.watch(["/"], cursor, closing.signal), PATIENCE_MS);
    assert.equal(await probe.line(), "init");
    return probe;
  }

  it("tells nothing from before, and everything of a shard in order", async () => {
    stream.shard("a");
    stream.write("a", "/x", "before");
    const probe = await watch(await openFeed());
    for (let n = 0; n < 5; n++) stream.write("a", "/x", String(n));
    stream.write("a", "/x");
    stream.write("a", "/y", undefined, "UNKNOWN_TO_SDK_VERSION");
    assert.deepEqual(await probe.lines(7), [
      ...[0, 1, 2, 3, 4].map((n) => `put /x ${n}`),
      "delete /x",
      "delete /y",
    ]);
  });

  it("reads a parent to its end, its last batch included, before its children from their beginning", async () => {
    stream.batch = 2;
    stream.shard("a");
    const probe = await watch(await openFeed());
    // All at once: the split is over before anyone has heard of it.
    for (let n = 0; n < 5; n++) stream.write("a", "/x", String(n));
    stream.end("a");
    stream.shard("b", "a");
    stream.shard("c", "a");
    stream.write("b", "/x", "5");
    stream.end("b");
    stream.shard("d", "b");
    stream.write("d", "/x", "6");
    assert.deepEqual(
      await probe.lines(7),
      [0, 1, 2, 3, 4, 5, 6].map((n) => `put /x ${n}`),
    );
    stream.write("c", "/y", "1");
    stream.write("d", "/x", "7");
    assert.deepEqual((await probe.lines(2)).sort(), ["put /x 7", "put /y 1"]);
    assert.ok(stream.calls.includes("GetShardIterator b TRIM_HORIZON"));
    assert.ok(!stream.calls.some((call) => /^GetShardIterator [bcd] LATEST/.test(call)));
  });

  it("waits for children that are listed late", async () => {
    stream.shard("a");
    const probe = await watch(await openFeed());
    stream.shard("b", "a", true);
    stream.write("a", "/x", "1");
    stream.write("b", "/x", "2");
    stream.end("a");
    assert.equal(await probe.line(), "put /x 1");
    const after = probe.cursor;
    stream.show("b");
    assert.equal(await probe.line(), "put /x 2");
    // A cursor from between parent and children is one to resume from.
    assert.equal(await (await watch(await openFeed(), after)).line(), "put /x 2");
  });

  it("resumes across a split in another process, without a gap or a repetition", async () => {
    stream.shard("a");
    const first = await watch(await openFeed());
    for (let n = 0; n < 4; n++) stream.write("a", "/x", String(n));
    await first.lines(2);
    stream.end("a");
    stream.shard("b", "a");
    stream.shard("c", "a");
    stream.write("b", "/x", "4");
    stream.write("c", "/y", "1");
    const other = await openFeed();
    const resumed = await watch(other, first.cursor);
    const lines = await resumed.lines(4);
    assert.deepEqual(
      lines.filter((line) => line.includes("/x")),
      ["put /x 2", "put /x 3", "put /x 4"],
    );
    assert.ok(lines.includes("put /y 1"));
    // From here on it is fed like all others, by one reader.
    stream.write("b", "/x", "5");
    assert.equal(await resumed.line(), "put /x 5");
    stream.write("c", "/y", "2");
    assert.equal(await resumed.line(), "put /y 2");
  });

  it("resumes behind its last event where it stood in two shards", async () => {
    stream.shard("a");
    stream.shard("b");
    const feed = await openFeed();
    const probe = await watch(feed);
    stream.write("a", "/a", "1");
    stream.write("b", "/b", "1");
    stream.write("a", "/a", "2");
    const told = await probe.lines(2);
    const rest = ["put /a 1", "put /b 1", "put /a 2"].filter((line) => !told.includes(line));
    for (const where of [feed, await openFeed()]) {
      const resumed = await watch(where, probe.cursor);
      assert.deepEqual(await resumed.lines(1), rest);
    }
  });

  it("resets a watch whose cursor was trimmed or belongs to another stream", async () => {
    stream.shard("a");
    const probe = await watch(await openFeed());
    stream.write("a", "/x", "1");
    await probe.line();
    stream.write("a", "/x", "2");
    stream.trim("a");
    const other = await openFeed();
    for (const cursor of [probe.cursor, probe.cursor.replace("stream/1", "stream/0")]) {
      const resumed = await watch(other, cursor);
      assert.equal(await resumed.line(), "reset");
      stream.write("a", "/x", "3");
      assert.equal(await resumed.line(), "put /x 3");
    }
  });

  it("resets a watch whose shard is gone", async () => {
    stream.shard("a");
    const probe = await watch(await openFeed());
    stream.write("a", "/x", "1");
    await probe.line();
    stream.end("a");
    stream.trim("a");
    stream.shard("z");
    const resumed = await watch(await openFeed(), probe.cursor);
    assert.equal(await resumed.line(), "reset");
    stream.write("z", "/x", "2");
    assert.equal(await resumed.line(), "put /x 2");
  });

  it("makes an expired iterator anew behind the last record", async () => {
    stream.shard("a");
    const probe = await watch(await openFeed());
    stream.write("a", "/x", "1");
    assert.equal(await probe.line(), "put /x 1");
    stream.expireIterators();
    stream.write("a", "/x", "2");
    assert.equal(await probe.line(), "put /x 2");
  });

  it("resets where only an expired iterator knew the place, and goes on", async () => {
    stream.shard("a");
    const probe = await watch(await openFeed());
    stream.expireIterators();
    stream.write("a", "/x", "lost");
    assert.equal(await probe.line(), "reset");
    stream.write("a", "/x", "2");
    assert.equal(await probe.line(), "put /x 2");
  });

  it("loses nothing where the stream is throttled or fails", async () => {
    stream.shard("a");
    const probe = await watch(await openFeed());
    for (const type of ["LimitExceededException", "ThrottlingException", "InternalServerError"]) {
      stream.fail("GetRecords", type);
      stream.fail("DescribeStream", type);
      stream.write("a", "/x", type);
      assert.equal(await probe.line(), `put /x ${type}`);
    }
    stream.end("a");
    stream.shard("b", "a");
    stream.fail("DescribeStream", "LimitExceededException");
    stream.write("b", "/x", "child");
    assert.equal(await probe.line(), "put /x child");
  });

  it("follows a shard that no listed parent has announced", async () => {
    stream.shard("a");
    const feed = await openFeed();
    const probe = await watch(feed);
    stream.shard("orphan", "trimmed-long-ago");
    stream.write("orphan", "/o", "1");
    // Shards are listed again when one ends.
    stream.end("a");
    stream.shard("b", "a");
    assert.equal(await probe.line(), "put /o 1");
  });

  it("reads the stream once for all watches", async () => {
    stream.shard("a");
    const feed = await openFeed();
    const probes = await Promise.all(Array.from({ length: 30 }, () => watch(feed)));
    const before = stream.calls.length;
    stream.write("a", "/x", "1");
    for (const probe of probes) assert.equal(await probe.line(), "put /x 1");
    const reads = stream.calls.slice(before).filter((call) => call.startsWith("GetRecords")).length;
    assert.ok(reads < 15, `${reads} reads for 30 watches`);
  });
});
