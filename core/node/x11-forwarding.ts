/**
 * X11 forwarding (RFC 4254 §6.3): a display of this host whose clients are shown on the user's screen. It listens on
 * both loopback addresses, as sshd with X11UseLocalhost does: programs try both, and on one left free another user could
 * wait for their cookies. The cookie that the client made up goes to xauth(1); what
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
  readonly servers: readonly Server[];
  readonly number: number;
  readonly forward: Forward;
}

/** TCP port of display 0. */
const FIRST_PORT = 6000;
const LOOPBACK = "127.0.0.1";
const LOOPBACK_6 = "::1";
/** Of hosts without IPv6, whose programs cannot try it either. */
const NO_SUCH_ADDRESS: ReadonlySet<string | undefined> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

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
    await forwarding.admission();
    const account = await context.lookupAccount(connection.user);
    const opened = await listenOnFreeDisplay(range.displayOffset, range.maxDisplay);
    display = opened;
    // Clients connect only after the cookie is there, so that none is missed by being early.
    await addCookie({ display: opened.number, request, account, tools: context.tools });
    bringClients(opened, request, forwarding);
    const release = forwards.hold("x11", () => closeAll(opened));
    void channel.whenClosed.then(() => {
      release();
      closeAll(opened);
    });
    return `localhost:${opened.number}.${request.screen}`;
  } catch (error) {
    if (display !== undefined) closeAll(display);
    await audit.failed(display?.forward ?? { kind: "x11", addr: LOOPBACK }, errorMessage(error));
    throw error;
  }
}

function bringClients(display: Display, request: X11Request, forwarding: ConnectionForwarding): void {
  for (const server of display.servers) {
    server.maxConnections = forwarding.context.settings.limits.maxChannels;
    server.on("connection", (socket) => {
      if (request.singleConnection) closeAll(display);
      const origin = new SshWriter().string(socket.remoteAddress ?? "").uint32(socket.remotePort ?? 0);
      void forwarding.forwards.bring(display.forward, socket, { type: "x11", payload: origin.toBuffer() });
    });
  }
}

function closeAll({ servers }: Pick<Display, "servers">): void {
  for (const server of servers) server.close();
}

async function listenOnFreeDisplay(first: number, last: number): Promise<Display> {
  for (let number = first; number <= last; number++) {
    const servers = await listenOn(FIRST_PORT + number);
    if (servers === undefined) continue;
    const addr = formatAddress({ host: LOOPBACK, port: FIRST_PORT + number });
    return { servers, number, forward: { kind: "x11", addr } };
  }
  throw limitExceeded(`all displays from ${first} to ${last} are taken; raise ssh_service.x11.max_display`);
}

/** Undefined where the port is taken on either address. */
async function listenOn(port: number): Promise<Server[] | undefined> {
  const servers: Server[] = [];
  for (const host of [LOOPBACK, LOOPBACK_6]) {
    try {
      servers.push(await listenAt(host, port));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (host === LOOPBACK_6 && NO_SUCH_ADDRESS.has(code)) continue;
      closeAll({ servers });
      if (code === "EADDRINUSE") return undefined;
      throw unavailable(`listen tcp ${formatAddress({ host, port })}: ${errorMessage(cause)}`, { cause });
    }
  }
  return servers;
}

function listenAt(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.on("error", reject);
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}
