/** Local forwarding (`-L`): connections to this machine are made from the node. */
import { CodedError, errorCode, errorMessage } from "../../../errors/error.js";
import type { SshConnection } from "../../../ssh/contract.js";
import { pipeChannel } from "./channel-pipe.js";
import { formatEndpoint, type Endpoint } from "./endpoint.js";
import type { ForwardSpec } from "./forward-spec.js";
import { startListener, type Listener, type ListenerOptions } from "./listener.js";
import { openNodeChannel } from "./node-channel.js";

/**
 * Listens and forwards until it is closed. A connection that the node refuses is closed and reported; the others go on.
 * Throws `bad_parameter` where the endpoint cannot be listened on.
 */
export function startLocalForward(
  connection: SshConnection,
  { listen, target }: ForwardSpec,
  options: Omit<ListenerOptions, "onSocket">,
): Promise<Listener> {
  return startListener(listen, {
    ...options,
    onSocket: async (socket) => {
      try {
        await pipeChannel(await openNodeChannel(connection, target), socket);
      } catch (error) {
        throw refused(target, error);
      }
    },
  });
}

/** The failure of one forwarded connection, with its target. */
export function refused(target: Endpoint, cause: unknown): Error {
  const message = `cannot forward to ${formatEndpoint(target)}: ${errorMessage(cause)}`;
  return new CodedError(errorCode(cause), message, { cause });
}
