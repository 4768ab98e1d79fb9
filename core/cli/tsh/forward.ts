/** Local port forwarding (`-L`): accepted connections become `direct-tcpip` channels (RFC 4254 §7.2). */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { badParameter, errorMessage } from "../../errors/error.js";
import { formatAddress, type Address } from "../../grammar/address.js";
import { SshWriter } from "../../pki/ssh-wire.js";
import type { SshConnection } from "../../ssh/contract.js";
import { terminalText } from "../terminal-text.js";
import type { ForwardSpec } from "./forward-spec.js";

/** Connections at once over one listener; more wait in the kernel's queue. */
const MAX_CONNECTIONS = 500;

/** A listener whose connections are forwarded. */
export interface Forward {
  /** Where it listens: the port that the system has chosen, where 0 was asked for. */
  readonly address: Address;
  close(): void;
}

/**
 * Listens and forwards until it is closed. A connection that the node refuses is closed and reported to `report`; the
 * others go on. Throws `bad_parameter` where the address cannot be listened on.
 */
export async function startForward(
  connection: SshConnection,
  { listen, target }: ForwardSpec,
  report: (message: string) => void,
): Promise<Forward> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    forwardSocket(connection, socket, target).catch((error: unknown) => {
      socket.destroy();
      report(`cannot forward to ${formatAddress(target)}: ${terminalText(errorMessage(error))}`);
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listening(server, listen);
  server.on("error", (error) => report(`forwarding from ${formatAddress(listen)}: ${error.message}`));
  return {
    address: { host: listen.host, port: (server.address() as AddressInfo).port },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function listening(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(badParameter(`cannot listen on ${formatAddress({ host, port })}: ${cause.message}`, { cause }));
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}

/** Each direction ends on its own; a failure of either side ends both. */
async function forwardSocket(connection: SshConnection, socket: Socket, target: Address): Promise<void> {
  socket.on("error", () => socket.destroy());
  // As 4.2 names the origin: the client's local sockets are nobody's business.
  const payload = new SshWriter().string(target.host).uint32(target.port).string("0.0.0.0").uint32(0);
  const channel = await connection.openChannel("direct-tcpip", payload.toBuffer());
  if (socket.destroyed) {
    channel.close();
    return;
  }
  channel.extended.resume();
  channel.on("error", () => socket.destroy());
  socket.on("close", () => channel.close());
  channel.on("close", () => socket.destroySoon());
  socket.pipe(channel);
  channel.pipe(socket);
}
