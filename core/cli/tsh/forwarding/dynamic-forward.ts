/** Dynamic forwarding (`-D`): a SOCKS server on this machine whose connections are made from the node. */
import type { Duplex } from "node:stream";
import { errorMessage, hasCode, unavailable } from "../../../errors/error.js";
import type { Address } from "../../../grammar/address.js";
import type { SshConnection } from "../../../ssh/contract.js";
import { relay } from "../../../ssh/relay.js";
import { pipeChannel } from "./channel-pipe.js";
import { startListener, type Listener, type ListenerOptions } from "./listener.js";
import { refused } from "./local-forward.js";
import { openNodeChannel } from "./node-channel.js";
import { readSocksRequest, type SocksRequest } from "./socks.js";

/** Clients that do not say what they want are let go after this long. */
const HANDSHAKE_TIMEOUT_MS = 30_000;

/** Listens until it is closed; see startLocalForward. */
export function startDynamicForward(
  connection: SshConnection,
  listen: Address,
  options: Omit<ListenerOptions, "onSocket">,
): Promise<Listener> {
  return startListener(listen, {
    ...options,
    onSocket: async (socket) => {
      const request = await handshake(socket);
      const channel = await granted(request, openNodeChannel(connection, request.target));
      await pipeChannel(channel, socket);
    },
  });
}

/** Serves SOCKS on one stream, with connections that `connect` makes. Throws where they fail. */
export async function serveSocks(
  stream: Duplex,
  connect: (target: Address) => Promise<Duplex>,
): Promise<void> {
  const request = await handshake(stream);
  await relay(stream, await granted(request, connect(request.target)));
}

async function granted<T>(request: SocksRequest, connecting: Promise<T>): Promise<T> {
  try {
    const connected = await connecting;
    request.grant();
    return connected;
  } catch (error) {
    request.refuse(hasCode(error, "access_denied") ? "not_allowed" : "refused");
    throw refused(request.target, error);
  }
}

async function handshake(stream: Duplex): Promise<SocksRequest> {
  const timer = setTimeout(() => stream.destroy(), HANDSHAKE_TIMEOUT_MS);
  try {
    return await readSocksRequest(stream);
  } catch (error) {
    if (stream.destroyed)
      throw unavailable(`a SOCKS client has left: ${errorMessage(error)}`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
