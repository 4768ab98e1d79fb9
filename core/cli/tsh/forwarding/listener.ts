/** Listeners on this machine whose connections are forwarded. */
import { rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { badParameter, errorMessage } from "../../../errors/error.js";
import { terminalText } from "../../terminal-text.js";
import { formatEndpoint, isSocketPath, type Endpoint } from "./endpoint.js";

/** Connections at once over one listener; more wait in the kernel's queue. */
const MAX_CONNECTIONS = 500;
/** Unix sockets are their owner's alone, as those of ssh (StreamLocalBindMask). */
const SOCKET_UMASK = 0o177;

/** A forward that stands. */
export interface Forward {
  close(): void;
}

/** A listener that stands. */
export interface Listener extends Forward {
  /** Where it listens: the port that the system has chosen, where 0 was asked for. */
  readonly endpoint: Endpoint;
}

/** What is done with connections, and with those that fail. */
export interface ListenerOptions {
  /** Forwards a connection; what it throws closes that one and is reported. */
  readonly onSocket: (socket: Socket) => Promise<void>;
  readonly report: (message: string) => void;
  /** Removes a socket that another program has left behind (StreamLocalBindUnlink). */
  readonly unlinkFirst?: boolean;
}

/** Listens until it is closed. Throws `bad_parameter` where the endpoint cannot be listened on. */
export async function startListener(
  endpoint: Endpoint,
  { onSocket, report, unlinkFirst = false }: ListenerOptions,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    onSocket(socket).catch((error: unknown) => {
      socket.destroy();
      report(terminalText(errorMessage(error)));
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  if (isSocketPath(endpoint) && unlinkFirst) rmSync(endpoint.path, { force: true });
  await listen(server, endpoint);
  server.on("error", (error) => report(`forwarding from ${formatEndpoint(endpoint)}: ${error.message}`));
  return {
    endpoint: isSocketPath(endpoint)
      ? endpoint
      : { host: endpoint.host, port: (server.address() as AddressInfo).port },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function listen(server: Server, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(badParameter(`cannot listen on ${formatEndpoint(endpoint)}: ${cause.message}`, { cause }));
    });
    const done = (): void => {
      server.removeAllListeners("error");
      resolve();
    };
    if (isSocketPath(endpoint)) {
      const before = process.umask(SOCKET_UMASK);
      // The socket is bound before this call returns: no other file is made under this mask.
      server.listen({ path: endpoint.path }, done);
      process.umask(before);
    } else {
      server.listen({ port: endpoint.port, ...(endpoint.host === "" ? {} : { host: endpoint.host }) }, done);
    }
  });
}
