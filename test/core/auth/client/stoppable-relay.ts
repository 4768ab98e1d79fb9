import { once } from "node:events";
import net from "node:net";

/** A relay in front of a server, which can do to connections what the fate of a process or host does to them. */
export interface StoppableRelay {
  readonly address: string;
  /** Connections that were made to it. */
  connections(): number;
  /** Keeps all connections, takes new ones, and moves no byte: a stopped process. */
  stop(): void;
  /** Moves what has waited, and goes on. */
  go(): void;
  /** Cuts all connections and refuses new ones: a killed process. */
  kill(): Promise<void>;
  close(): void;
}

/** Starts a relay to an address on this machine. */
export async function startRelay(target: string): Promise<StoppableRelay> {
  const port = Number(target.slice(target.lastIndexOf(":") + 1));
  const sockets = new Set<net.Socket>();
  let isStopped = false;
  let count = 0;
  const server = net.createServer((near) => {
    count++;
    const far = net.connect(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("data", (chunk) => void to.write(chunk));
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      if (isStopped) from.pause();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    connections: () => count,
    stop() {
      isStopped = true;
      for (const socket of sockets) socket.pause();
    },
    go() {
      isStopped = false;
      for (const socket of sockets) socket.resume();
    },
    async kill() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
    close() {
      server.close();
      cut();
    },
  };
}
