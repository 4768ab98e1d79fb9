import type { Socket } from "node:net";
import { unavailable } from "../../errors/error.js";
import type { Address } from "../../grammar/address.js";
import type { Clock } from "../../plugin/clock.js";
import { connectTcp } from "../../ssh/tcp-connect.js";
import { startTimer } from "../../ssh/timer.js";

/** Servers that announce this understand the client-address prefix. */
const TELEPORT_BANNER = "SSH-2.0-Teleport";
const BANNER_TIMEOUT_MS = 10_000;

/**
 * Connects to an SSH server and hands over the client's address where the server understands it (wire.md §3.7): the
 * server's banner is read first, and only a banner of ours is answered with `Teleport-Proxy{…}\0`. The socket that is
 * returned still yields the banner. Throws `unavailable`.
 */
export async function dialSshServer(address: Address, clientAddress: string, clock: Clock): Promise<Socket> {
  const socket = await connectTcp(address, clock);
  try {
    const banner = await firstBytes(socket, address, clock);
    if (banner.toString("latin1").startsWith(TELEPORT_BANNER)) {
      socket.write(`Teleport-Proxy${JSON.stringify({ clientAddr: clientAddress })}\0`);
    }
    socket.unshift(banner);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Reads up to the end of the banner line (at most 255 bytes, RFC 4253 §4.2), leaving the socket paused. */
function firstBytes(socket: Socket, address: Address, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const settle = (error?: Error): void => {
      stopTimer();
      socket.pause();
      socket.off("data", onData).off("error", settle).off("end", onEnd);
      if (error) reject(unavailable(`${address.host}:${address.port}: ${error.message}`, { cause: error }));
      else resolve(received);
    };
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      if (received.includes(0x0a) || received.length >= 255) settle();
    };
    const onEnd = (): void => settle(new Error("it closed the connection before it said who it is"));
    const stopTimer = startTimer(clock, BANNER_TIMEOUT_MS, () =>
      settle(new Error("no SSH server answers there: no banner was received within 10 s")),
    );
    socket.on("data", onData).once("error", settle).once("end", onEnd);
  });
}
