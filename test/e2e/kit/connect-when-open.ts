import net from "node:net";

const DEADLINE_MS = 60_000;
const PAUSE_MS = 50;

/**
 * Connects to a loopback port once somebody listens on it. What a client prints of a forwarding comes too early: it
 * says that it listens before it does, and with `-J` the client of the jump host speaks on the same stream.
 */
export async function connectWhenOpen(port: number): Promise<net.Socket> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const open = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    if (open) return socket;
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
