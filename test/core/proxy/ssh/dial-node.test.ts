import assert from "node:assert/strict";
import { once } from "node:events";
import type net from "node:net";
import { systemClock, type Clock } from "../../../../core/plugin/clock.js";
import { dialSshServer } from "../../../../core/proxy/ssh/dial-node.js";
import { ManualClock } from "../../ssh/manual-clock.js";
import { Listening, readBytes } from "./proxy-fixture.js";

const CLIENT = "192.0.2.7:4711";
const PREFIX = `Teleport-Proxy{"clientAddr":"${CLIENT}"}\0`;

describe("proxy: dialling a node", () => {
  let target: Listening;
  const dial = async (
    accept: (socket: net.Socket) => void,
    clock: Clock = systemClock,
  ): Promise<net.Socket> => {
    target = await Listening.open(accept);
    return dialSshServer({ host: "127.0.0.1", port: target.port }, CLIENT, clock);
  };
  afterEach(() => target.close());

  it("hands the client's address over to servers of ours, and keeps the banner", async () => {
    const socket = await dial((peer) => peer.write("SSH-2.0-Teleport_5\r\nkexinit"));
    assert.equal(await readBytes(socket, 27), "SSH-2.0-Teleport_5\r\nkexinit");
    socket.write("SSH-2.0-Client\r\n");
    const text = await readBytes(target.sockets[0]!, PREFIX.length + 16);
    assert.equal(text, `${PREFIX}SSH-2.0-Client\r\n`);
    socket.destroy();
  });

  it("waits for a banner that comes in pieces", async () => {
    const socket = await dial((peer) => {
      const pieces = [..."SSH-2.0-Teleport\r\n"];
      const next = (): void => {
        const piece = pieces.shift();
        if (piece !== undefined) peer.write(piece, () => setImmediate(next));
      };
      next();
    });
    assert.equal(await readBytes(socket, 18), "SSH-2.0-Teleport\r\n");
    assert.equal(await readBytes(target.sockets[0]!, PREFIX.length), PREFIX);
    socket.destroy();
  });

  for (const banner of [
    "SSH-2.0-OpenSSH_9.2\r\n",
    "Welcome\r\nSSH-2.0-Teleport\r\n",
    "ssh-2.0-teleport\r\n",
  ]) {
    it(`sends nothing of its own to ${JSON.stringify(banner)}`, async () => {
      const socket = await dial((peer) => peer.write(banner));
      assert.equal(await readBytes(socket, banner.length), banner);
      socket.end("SSH-2.0-Client\r\n");
      const [peer] = target.sockets;
      let received = "";
      peer!.on("data", (chunk: Buffer) => (received += chunk.toString()));
      await once(peer!, "end");
      assert.equal(received, "SSH-2.0-Client\r\n");
      socket.destroy();
    });
  }

  it("takes a first line of 255 bytes without an end for no banner of ours", async () => {
    const socket = await dial((peer) => peer.write("x".repeat(300)));
    assert.equal(await readBytes(socket, 300), "x".repeat(300));
    socket.destroy();
  });

  it("reports a target that closes before it says who it is", async () => {
    await assert.rejects(
      dial((peer) => peer.end()),
      { code: "unavailable", message: /it closed the connection before it said who it is$/ },
    );
  });

  it("reports a target that resets the connection", async () => {
    await assert.rejects(
      dial((peer) => peer.resetAndDestroy()),
      { code: "unavailable", message: /ECONNRESET/ },
    );
  });

  it("gives up on a target that never says who it is", async () => {
    const manual = new ManualClock();
    let timers = 0;
    const clock: Clock = {
      now: () => manual.now(),
      sleep(ms, signal) {
        const slept = manual.sleep(ms, signal);
        // The first timer watches over the connection, the second one over the banner.
        if (++timers === 2) void manual.advance(ms);
        return slept;
      },
    };
    await assert.rejects(
      dial((peer) => peer.write("SSH-2.0-Tele"), clock),
      { code: "unavailable", message: /no banner was received within 10 s$/ },
    );
    const [peer] = target.sockets;
    peer?.resume();
    if (peer?.closed === false) await new Promise((resolve) => peer.end().once("close", resolve));
  });

  it("survives a target that resets after its banner", async () => {
    const socket = await dial((peer) => peer.write("SSH-2.0-Teleport\r\n"));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    target.sockets[0]!.resetAndDestroy();
    socket.resume();
    await closed;
  });
});
