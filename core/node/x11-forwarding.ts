/**
 * X11 forwarding (RFC 4254 §6.3): a display of this host whose clients are shown on the user's screen. It listens on
 * the loopback address, as sshd with X11UseLocalhost does. The cookie that the client made up goes to xauth(1); what
 * comes in with it is checked by the client, which alone knows the real one.
 */
import { createServer, type Server } from "node:net";
import { accessDenied, errorMessage, limitExceeded, unavailable } from "../errors/error.js";
import { formatAddress } from "../grammar/address.js";
import { SshWriter } from "../pki/ssh-wire.js";
import type { Forward } from "../session/forwarding-audit.js";
import type { X11Request } from "../session/x11-request.js";
import type { SshChannel } from "../ssh/contract.js";
import type { ConnectionForwarding } from "./connection-forwarding.js";
import { addCookie } from "./x11-authority.js";

interface Display {
  readonly server: Server;
  readonly number: number;
  readonly forward: Forward;
}

/** TCP port of display 0. */
const FIRST_PORT = 6000;
const LOOPBACK = "127.0.0.1";

/**
 * Opens a display for the programs of a session and returns its name for `DISPLAY`. It goes with the session's
 * channel. Throws `access_denied` where the roles or the node do not allow it; refusals and failures are on record.
 */
export async function openDisplay(
  request: X11Request,
  channel: SshChannel,
  forwarding: ConnectionForwarding,
): Promise<string> {
  const { audit, context, connection, forwards } = forwarding;
  let display: Display | undefined;
  try {
    const refusal = forwarding.x11Refusal();
    const range = context.settings.x11;
    if (refusal !== undefined || range === undefined) throw accessDenied(refusal ?? "X11 is off");
    const account = await context.lookupAccount(connection.user);
    const opened = await listenOnFreeDisplay(range.displayOffset, range.maxDisplay);
    display = opened;
    // Clients connect only after the cookie is there, so that none is missed by being early.
    await addCookie({ display: opened.number, request, account, tools: context.tools });
    bringClients(opened, request, forwarding);
    const release = forwards.hold("x11", () => opened.server.close());
    void channel.whenClosed.then(() => {
      release();
      opened.server.close();
    });
    return `localhost:${opened.number}.${request.screen}`;
  } catch (error) {
    display?.server.close();
    await audit.failed(display?.forward ?? { kind: "x11", addr: LOOPBACK }, errorMessage(error));
    throw error;
  }
}

function bringClients(
  { server, forward }: Display,
  request: X11Request,
  forwarding: ConnectionForwarding,
): void {
  server.maxConnections = forwarding.context.settings.limits.maxChannels;
  server.on("connection", (socket) => {
    if (request.singleConnection) server.close();
    const origin = new SshWriter().string(socket.remoteAddress ?? "").uint32(socket.remotePort ?? 0);
    void forwarding.forwards.bring(forward, socket, { type: "x11", payload: origin.toBuffer() });
  });
}

async function listenOnFreeDisplay(first: number, last: number): Promise<Display> {
  for (let number = first; number <= last; number++) {
    const server = await listenOn(FIRST_PORT + number);
    if (server === undefined) continue;
    const addr = formatAddress({ host: LOOPBACK, port: FIRST_PORT + number });
    return { server, number, forward: { kind: "x11", addr } };
  }
  throw limitExceeded(`all displays from ${first} to ${last} are taken; raise ssh_service.x11.max_display`);
}

/** Undefined where the port is taken. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.on("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "EADDRINUSE") resolve(undefined);
      else reject(unavailable(`listen tcp ${LOOPBACK}:${port}: ${errorMessage(cause)}`, { cause }));
    });
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => resolve(server));
  });
}
