import assert from "node:assert/strict";
import { once } from "node:events";
import type net from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { duplexPair, type Duplex } from "node:stream";
import { relay } from "../../../core/ssh/relay.js";
import { connectSsh } from "../../../core/ssh/client.js";
import { createSshServer } from "../../../core/ssh/server.js";
import { DEFAULT_LIMITS, WINDOW_BYTES } from "../../../core/ssh/limits.js";
import { systemClock } from "../../../core/plugin/clock.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import type { SshChannel } from "../../../core/ssh/contract.js";
import { socketAddresses } from "../../../core/ssh/socket-addresses.js";
import { ProxyFixture, direct, readAll, readBytes } from "../proxy/ssh/proxy-fixture.js";

const BANNER = "SSH-2.0-Other\r\n";

/** All that a stream yields; unlike stream/consumers it leaves the other direction alone. */
async function text(stream: Duplex): Promise<string> {
  let all = "";
  stream.on("data", (chunk: Buffer) => (all += chunk.toString()));
  await once(stream, "end");
  return all;
}

const closed = (stream: Duplex): Promise<unknown> =>
  stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once("close", resolve));

describe("proxy: relay", () => {
  it("passes on the end of one direction and keeps the other open", async () => {
    const [client, clientSide] = duplexPair();
    const [server, serverSide] = duplexPair();
    const done = relay(clientSide, serverSide);
    client.end("question");
    assert.equal(await text(server), "question");
    server.end("answer");
    assert.equal(await text(client), "answer");
    await done;
  });

  it("tears the other side down when one breaks", async () => {
    const [, clientSide] = duplexPair();
    const [, serverSide] = duplexPair();
    const done = relay(clientSide, serverSide);
    clientSide.destroy(new Error("reset"));
    await closed(serverSide);
    await done;
  });

  it("closes a side whose peer had gone before the two were joined", async () => {
    const [, clientSide] = duplexPair();
    const [, serverSide] = duplexPair();
    clientSide.destroy();
    await closed(clientSide);
    await relay(clientSide, serverSide);
    assert.ok(serverSide.destroyed);
  });

  it("closes a side that goes on sending to one that has ended and closed", async () => {
    const [client, clientSide] = duplexPair();
    const [server, serverSide] = duplexPair();
    const done = relay(clientSide, serverSide);
    client.end("question");
    assert.equal(await text(server), "question");
    clientSide.destroy();
    server.write("answer that nobody takes");
    await closed(serverSide);
    await done;
  });
});

describe("proxy: relay between SSH and TCP", () => {
  let fixture: ProxyFixture;
  beforeEach(async () => {
    fixture = await ProxyFixture.create();
  });
  afterEach(() => fixture.close());

  it("keeps half-close in both directions", async () => {
    const target = await fixture.node((socket) => {
      socket.end(`${BANNER}all that I say`);
    });
    const channel = await direct(await fixture.connect(), "node1", 22);
    assert.equal(await readAll(channel), `${BANNER}all that I say`);
    channel.end("and all that I answer");
    assert.equal(await readAll(target.sockets[0]!), "and all that I answer");
    await channel.whenClosed;
  });

  it("ends the target's connection with the client's, also after the client's EOF", async () => {
    const target = await fixture.node((socket) => void socket.write(BANNER));
    const client = await fixture.connect();
    const channel = await direct(client, "node1", 22);
    await readBytes(channel, BANNER.length);
    channel.end();
    const [socket] = target.sockets;
    await readAll(socket!);
    client.disconnect("gone");
    socket!.on("error", () => undefined);
    await fixture.drain();
    // The peer of a closed socket learns of it by the answer to what it sends.
    for (; !socket!.destroyed; await turn()) socket!.write("more");
  });

  it("ends a connection to a target whose client left while it was dialled", async () => {
    let arrived!: (socket: net.Socket) => void;
    const whenDialled = new Promise<net.Socket>((resolve) => (arrived = resolve));
    await fixture.node((socket) => arrived(socket));
    const client = await fixture.connect();
    const refused = assert.rejects(direct(client, "node1", 22));
    const socket = await whenDialled;
    client.disconnect("gone");
    await refused;
    await fixture.drain();
    socket.write(BANNER);
    assert.equal(await readAll(socket), "");
  });

  it("stops a writer whose reader is slow, and loses nothing", async () => {
    const total = 64 * 1024 * 1024;
    let written = 0;
    let received = 0;
    let mostUnread = 0;
    await fixture.node((socket) => {
      socket.write(BANNER);
      const block = Buffer.alloc(64 * 1024, "x");
      const push = (): void => {
        while (written < total) {
          written += block.length;
          mostUnread = Math.max(mostUnread, written - received);
          if (!socket.write(block)) {
            socket.once("drain", push);
            return;
          }
        }
        socket.end();
      };
      push();
    });
    const channel = await direct(await fixture.connect(), "node1", 22);
    for await (const chunk of channel) {
      received += (chunk as Buffer).length;
      await turn();
    }
    assert.equal(received, total + BANNER.length);
    // The channel's window, what streams read ahead on the way, and the kernel's socket buffers.
    assert.ok(mostUnread < WINDOW_BYTES + 16 * 1024 * 1024, `${mostUnread} bytes were under way`);
  }).timeout(20_000);

  it("carries many channels of one connection", async () => {
    await fixture.node((socket) => {
      socket.write(BANNER);
      socket.pipe(socket);
    });
    const client = await fixture.connect();
    const texts = await Promise.all(
      Array.from({ length: 100 }, async (_unused, i) => {
        const channel = await direct(client, "node1", 22);
        channel.end(`channel ${i}`);
        return readAll(channel);
      }),
    );
    texts.forEach((all, i) => assert.equal(all, `${BANNER}channel ${i}`));
  });

  it("joins a client and a node of ours, which learns the client's address", async () => {
    const host = await fixture.authority.signer("host");
    const seen: string[] = [];
    const node = createSshServer({
      hostSigners: () => [host],
      authorities: () => [fixture.authority.publicBlob],
      limits: DEFAULT_LIMITS,
      acceptProxyPrefix: () => true,
      onConnection: (connection) => {
        seen.push(connection.remoteAddress);
        connection.onChannel("session", (open) => greet(open.accept()));
      },
      log: silentLogger,
      clock: systemClock,
    });
    await fixture.node((socket) => node.accept(socket, socketAddresses(socket)!));
    const proxy = await fixture.connect();
    const inner = await connectSsh({
      stream: await direct(proxy, "node1", 22),
      user: "root",
      signers: async () => [await fixture.authority.signer("user")],
      verifyHost: () => undefined,
    });
    assert.equal(await readAll(await inner.openChannel("session")), "hello");
    assert.deepEqual(seen, [proxy.localAddress]);
    inner.disconnect("done");
    await node.close();
  });
});

function greet(channel: SshChannel): void {
  channel.end("hello");
}
