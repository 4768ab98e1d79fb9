import net from "node:net";
import { unavailable } from "../errors/error.js";
import { systemErrorText } from "../errors/system-error.js";
import { formatAddress, type Address } from "../grammar/address.js";

/** A bound TCP listener. */
export interface Listener {
  /** What is listened on, with the port the system chose where 0 was asked for. */
  readonly address: Address;
  /** Hands accepted sockets to the service, from now on. */
  serve(accept: (socket: net.Socket) => void): void;
  /** Stops accepting; accepted sockets stay. Idempotent. */
  close(): Promise<void>;
}

/**
 * Binds an address at once, so that a busy port is known before anything is started; connections wait in the backlog
 * until `serve`. Throws `unavailable`.
 */
export async function bind(address: Address): Promise<Listener> {
  const waiting: net.Socket[] = [];
  let accept: (socket: net.Socket) => void = (socket) => void waiting.push(socket);
  const server = net.createServer({
    allowHalfOpen: true,
    pauseOnConnect: false,
    noDelay: true,
    keepAlive: true,
  });
  server.on("connection", (socket) => {
    // A service adds its own handler; without any, a reset of an idle socket would end the process.
    socket.on("error", () => socket.destroy());
    accept(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        unavailable(
          `Failed to bind to address ${formatAddress(address)}: ${systemErrorText(cause) ?? cause.message}, exiting.`,
          {
            cause,
          },
        ),
      ),
    );
    server.listen({ host: address.host, port: address.port, backlog: 1024 }, resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  return {
    address: { host: address.host, port },
    serve(handler) {
      accept = handler;
      for (const socket of waiting.splice(0)) handler(socket);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Accepted sockets belong to their services: the callback waits for them, the caller must not.
        setImmediate(resolve);
      }),
  };
}
