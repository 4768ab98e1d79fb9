/** Local forwarding: `direct-tcpip` channels (RFC 4254 §7.2), as `ssh -L`, `-W` and `-D` open them. */
import { connect, type Socket } from "node:net";
import { auditEvent } from "../audit/catalogue.js";
import { errorMessage } from "../errors/error.js";
import { formatAddress } from "../grammar/address.js";
import { SshReader } from "../pki/ssh-wire.js";
import { type ChannelOpen, OPEN_FAILURE, type SshChannel, type SshConnection } from "../ssh/contract.js";
import type { NodeContext } from "./node-context.js";
import type { UserIdentity } from "./user-identity.js";

/** Who forwards. */
export interface ForwardingOptions {
  readonly context: NodeContext;
  readonly connection: SshConnection;
  readonly identity: UserIdentity;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

const CONNECT_TIMEOUT_MS = 30_000;

/** Connects one channel to its target. The event `port` is on record before the first byte flows. Never rejects. */
export async function forwardPort(open: ChannelOpen, options: ForwardingOptions): Promise<void> {
  let target: Target;
  try {
    target = readTarget(open.payload);
  } catch (error) {
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  if (!mayForward(options.identity)) {
    await audit(options, target, "port forwarding not allowed").catch(() => undefined);
    open.reject(OPEN_FAILURE.administrativelyProhibited, "port forwarding not allowed");
    return;
  }
  let socket: Socket;
  try {
    socket = await dial(target);
  } catch (error) {
    await audit(options, target, errorMessage(error)).catch(() => undefined);
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  try {
    await audit(options, target);
  } catch (error) {
    socket.destroy();
    open.reject(OPEN_FAILURE.resourceShortage, `this connection cannot be audited: ${errorMessage(error)}`);
    return;
  }
  relay(open.accept(), socket);
}

/** Joins a channel and a socket; each direction ends on its own, and a failure of either ends both. */
export function relay(channel: SshChannel, socket: Socket): void {
  channel.extended.resume();
  channel.pipe(socket);
  socket.pipe(channel);
  const fail = (): void => {
    socket.destroy();
    channel.destroy();
  };
  channel.on("error", fail);
  socket.on("error", fail);
  void channel.whenClosed.then(() => {
    // What the client sent before it closed is still delivered.
    if (channel.readableEnded) socket.end();
    else channel.on("end", () => socket.end());
    socket.resume();
  });
  socket.on("close", () => channel.close());
}

function mayForward({ access, certificate }: UserIdentity): boolean {
  return access.portForwarding() && certificate.extensions.has("permit-port-forwarding");
}

function readTarget(payload: Buffer): Target {
  const reader = new SshReader(payload);
  return { host: reader.text(), port: reader.uint32() };
}

function dial({ host, port }: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error("the target does not answer")));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

async function audit(options: ForwardingOptions, target: Target, error?: string): Promise<void> {
  const { context, connection, identity } = options;
  const event = auditEvent("port", error === undefined ? "success" : "failure", {
    "user": identity.user,
    "login": connection.user,
    "addr.local": connection.localAddress,
    "addr.remote": connection.remoteAddress,
    "addr": formatAddress(target),
    "success": error === undefined,
    error,
  });
  try {
    await context.api.emitAuditEvent(event);
  } catch (cause) {
    context.log.error("a forwarded connection could not be audited", { error: errorMessage(cause) });
    if (context.settings.auditPolicy !== "best_effort") throw cause;
  }
}
