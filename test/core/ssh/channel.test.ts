import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { hasCode } from "../../../core/errors/error.js";
import {
  OPEN_FAILURE,
  type ChannelOpen,
  type SshChannel,
  type SshConnection,
} from "../../../core/ssh/contract.js";
import { DEFAULT_LIMITS, WINDOW_BYTES } from "../../../core/ssh/limits.js";
import { Loopback } from "./loopback.js";

const MEGABYTE = 1024 * 1024;

/** A client's and a server's end of one channel. */
async function channelPair(
  loopback?: Loopback,
): Promise<{ near: SshChannel; far: SshChannel; client: SshConnection; server: SshConnection }> {
  let accepted: (channel: SshChannel) => void = () => undefined;
  const far = new Promise<SshChannel>((resolve) => (accepted = resolve));
  const own = loopback ?? (await Loopback.create());
  const client = await own.connect();
  const server = own.accepted.at(-1);
  assert.ok(server);
  server.onChannel("test", (open: ChannelOpen) => accepted(open.accept()));
  const near = await client.openChannel("test", Buffer.from("payload"));
  return { near, far: await far, client, server };
}

async function readAll(channel: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of channel) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function digest(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

describe("SSH channels", () => {
  it("carry data both ways after one direction has ended", async () => {
    const { near, far } = await channelPair();
    near.end("question");
    assert.equal((await readAll(far)).toString(), "question");
    const sent = randomBytes(5 * MEGABYTE);
    far.end(sent);
    assert.equal(digest(await readAll(near)), digest(sent));
    far.close();
    await Promise.all([near.whenClosed, far.whenClosed]);
  });

  it("close when end and close are called in one turn", async () => {
    const { near, far } = await channelPair();
    far.resume();
    near.end("last words");
    near.close();
    await Promise.all([near.whenClosed, far.whenClosed]);
    const next = await channelPair();
    next.far.resume();
    next.near.end();
    next.near.close();
    await Promise.all([next.near.whenClosed, next.far.whenClosed]);
  });

  it("stop the writer when the reader is slow, in both roles", async () => {
    const { near, far } = await channelPair();
    for (const [writer, reader] of [
      [near, far],
      [far, near],
    ] as const) {
      const sent = randomBytes(32 * MEGABYTE);
      let accepted = 0;
      const writing = (async () => {
        for (let at = 0; at < sent.length; at += 65_536) {
          const piece = sent.subarray(at, at + 65_536);
          if (!writer.write(piece)) await once(writer, "drain");
          accepted += piece.length;
        }
        writer.end();
      })();
      // Nothing more can move once the writer waits while all turns of the event loop that could carry data are over.
      for (let idle = 0, last = -1; idle < 50; idle = accepted === last ? idle + 1 : 0) {
        last = accepted;
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(
        accepted <= WINDOW_BYTES + MEGABYTE,
        `${String(accepted)} bytes were accepted without a reader`,
      );
      assert.equal(digest(await readAll(reader)), digest(sent));
      await writing;
    }
  });

  it("copy small packets together while nobody reads", async () => {
    const { near, far } = await channelPair();
    for (let i = 0; i < 20_000; i++) near.write(Buffer.of(i & 255));
    near.end();
    assert.deepEqual(await readAll(far), Buffer.from(Array.from({ length: 20_000 }, (_, i) => i & 255)));
  });

  it("keep unread data when the peer closes at once", async () => {
    const { near, far } = await channelPair();
    const sent = randomBytes(MEGABYTE);
    far.write(sent);
    far.close();
    await near.whenClosed;
    assert.equal(digest(await readAll(near)), digest(sent));
  });

  it("fail a write after the peer has closed, instead of hanging", async () => {
    const { near, far } = await channelPair();
    far.close();
    await near.whenClosed;
    const error = await new Promise<Error | null | undefined>((resolve) => near.write("late", resolve));
    assert.ok(error instanceof Error);
  });

  it("fail a waiting write when the peer closes, after what it sent was read", async () => {
    const { near, far } = await channelPair();
    const outcome = new Promise<Error | null | undefined>((resolve) =>
      near.write(Buffer.alloc(8 * MEGABYTE), resolve),
    );
    far.write("last words");
    far.close();
    const heard: Buffer[] = [];
    near.on("data", (chunk: Buffer) => heard.push(chunk));
    assert.ok(hasCode(await outcome, "unavailable"));
    assert.equal(Buffer.concat(heard).toString(), "last words");
  });

  it("send what is queued before EOF and CLOSE, with the exit status after the data", async () => {
    const { near, far } = await channelPair();
    const seen: string[] = [];
    near.onRequest(({ name }) => {
      seen.push(name);
      return false;
    });
    near.on("end", () => seen.push("end"));
    const sent = randomBytes(6 * MEGABYTE);
    far.write(sent);
    far.exitStatus(3);
    far.close();
    assert.equal(digest(await readAll(near)), digest(sent));
    await near.whenClosed;
    assert.deepEqual(seen, ["exit-status", "end"]);
  });

  it("carry extended data apart from data", async () => {
    const { near, far } = await channelPair();
    await far.writeExtended(Buffer.from("warning"));
    far.end("result");
    far.close();
    assert.equal((await readAll(near)).toString(), "result");
    assert.equal((await readAll(near.extended)).toString(), "warning");
  });

  it("answer requests in order, also when handlers are asynchronous, and at any time", async () => {
    const { near, far } = await channelPair();
    const handled: string[] = [];
    far.onRequest(async ({ name }) => {
      if (name === "slow") await new Promise((resolve) => setImmediate(resolve));
      handled.push(name);
      if (name === "broken") throw new Error("handler failed");
      return name !== "refused";
    });
    const names = ["slow", "refused", "broken", "late"];
    const answers = await Promise.all(names.map((name) => near.request(name, true)));
    assert.deepEqual(answers, [true, false, false, true]);
    assert.deepEqual(handled, names);
  });

  it("refuse requests that nobody handles", async () => {
    const { near } = await channelPair();
    assert.equal(await near.request("keepalive@openssh.com", true), false);
  });

  it("end with an error when the connection is lost", async () => {
    const { near, server } = await channelPair();
    server.disconnect("bye");
    await near.whenClosed;
    await assert.rejects(readAll(near));
  });
});

describe("SSH connections", () => {
  it("refuse unknown channel types, and pass the words of a refusal", async () => {
    const loopback = await Loopback.create();
    const client = await loopback.connect();
    loopback.accepted[0]?.onChannel("secret", (open) =>
      open.reject(OPEN_FAILURE.administrativelyProhibited, "not for you"),
    );
    await assert.rejects(client.openChannel("nonsense"), (error) => hasCode(error, "unavailable"));
    await assert.rejects(client.openChannel("secret"), /not for you/);
  });

  it("limit the channels of a connection", async () => {
    const loopback = await Loopback.create({ limits: { ...DEFAULT_LIMITS, maxChannels: 2 } });
    const client = await loopback.connect();
    loopback.accepted[0]?.onChannel("test", (open) => void open.accept());
    const first = await client.openChannel("test");
    await client.openChannel("test");
    await assert.rejects(client.openChannel("test"), /too many channels/);
    first.close();
    await first.whenClosed;
    await client.openChannel("test");
  });

  it("carry global requests both ways, with data", async () => {
    const loopback = await Loopback.create();
    const client = await loopback.connect();
    const [server] = loopback.accepted;
    server?.onGlobalRequest("x-teleport-version", () => Buffer.from("4.2.0"));
    client.onGlobalRequest("echo", ({ payload }) => Promise.resolve(Buffer.from(payload)));
    assert.equal((await client.globalRequest("x-teleport-version", true))?.toString(), "4.2.0");
    assert.equal((await server?.globalRequest("echo", true, Buffer.from("hi")))?.toString(), "hi");
    assert.equal(await client.globalRequest("unknown", true), undefined);
    assert.ok(await client.globalRequest("keepalive@openssh.com", true));
  });

  it("exchange keys again after so many bytes without losing one", async () => {
    const limits = { ...DEFAULT_LIMITS, rekeyBytes: MEGABYTE };
    const loopback = await Loopback.create({ limits });
    const { near, far } = await channelPair(loopback);
    const sent = randomBytes(24 * MEGABYTE);
    far.on("data", (chunk: Buffer) => far.write(chunk));
    far.on("end", () => far.end());
    near.end(sent);
    assert.equal(digest(await readAll(near)), digest(sent));
  });

  it("count payload bytes", async () => {
    const { near, far, client, server } = await channelPair();
    near.end("12345");
    await readAll(far);
    assert.deepEqual({ ...client.bytes }, { received: 0, sent: 5 });
    assert.deepEqual({ ...server.bytes }, { received: 5, sent: 0 });
  });
});
