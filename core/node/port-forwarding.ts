/** Local forwarding: `direct-tcpip` channels (RFC 4254 §7.2), as `ssh -L`, `-W` and `-D` open them. */
import { connect, type Socket } from "node:net";
import { auditEvent, type PendingAuditEvent, SESSION_DATA_INDEX } from "../audit/catalogue.js";
import { errorChain, errorMessage } from "../errors/error.js";
import { formatAddress } from "../grammar/address.js";
import { SshReader } from "../pki/ssh-wire.js";
import { type ChannelOpen, OPEN_FAILURE, type SshChannel, type SshConnection } from "../ssh/contract.js";
import type { NodeContext } from "./node-context.js";
import type { SessionBytes } from "./session-streams.js";
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
    await emit(options, portEvent(options, target, "port forwarding not allowed")).catch(() => undefined);
    open.reject(OPEN_FAILURE.administrativelyProhibited, "port forwarding not allowed");
    return;
  }
  let socket: Socket;
  try {
    socket = await dial(target);
  } catch (error) {
    await emit(options, portEvent(options, target, errorMessage(error))).catch(() => undefined);
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  try {
    await emit(options, portEvent(options, target));
  } catch (error) {
    socket.destroy();
    open.reject(OPEN_FAILURE.resourceShortage, `this connection cannot be audited: ${errorMessage(error)}`);
    return;
  }
  const bytes = await relay(open.accept(), socket);
  await emit(options, dataEvent(options, bytes)).catch(() => undefined);
}

/**
 * Joins a channel and a socket; each direction ends on its own, and a failure of either ends both. Resolves to the
 * bytes that have passed when the socket is closed.
 */
export function relay(channel: SshChannel, socket: Socket): Promise<SessionBytes> {
  const fail = (): void => {
    socket.destroy();
    channel.destroy();
  };
  channel.on("error", fail);
  socket.on("error", fail);
  channel.extended.resume();
  channel.pipe(socket);
  socket.pipe(channel);
  // A client that has closed takes nothing more, but what it sent before still goes out.
  void channel.whenClosed.then(() => {
    if (channel.readableEnded || channel.destroyed) socket.destroySoon();
    else channel.once("end", () => socket.destroySoon()).once("close", () => socket.destroySoon());
  });
  return new Promise((resolve) => {
    socket.once("close", () => {
      channel.close();
      resolve({ tx: socket.bytesRead, rx: socket.bytesWritten });
    });
  });
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

function origin({ connection, identity }: ForwardingOptions): {
  "user": string;
  "login": string;
  "addr.local": string;
  "addr.remote": string;
} {
  return {
    "user": identity.user,
    "login": connection.user,
    "addr.local": connection.localAddress,
    "addr.remote": connection.remoteAddress,
  };
}

function portEvent(options: ForwardingOptions, target: Target, error?: string): PendingAuditEvent {
  const addr = formatAddress(target);
  return error === undefined
    ? auditEvent("port", "success", { ...origin(options), addr, success: true })
    : auditEvent("port", "failure", { ...origin(options), addr, success: false, error });
}

function dataEvent(options: ForwardingOptions, bytes: SessionBytes): PendingAuditEvent {
  const { hostId, settings } = options.context;
  return auditEvent("sessionData", "success", {
    ...origin(options),
    ...bytes,
    server_id: hostId,
    namespace: settings.namespace,
    ei: SESSION_DATA_INDEX,
  });
}

async function emit({ context }: ForwardingOptions, event: PendingAuditEvent): Promise<void> {
  try {
    await context.api.emitAuditEvent(event);
  } catch (cause) {
    context.log.error("a forwarded connection could not be audited", { error: errorChain(cause) });
    if (context.settings.auditPolicy !== "best_effort") throw cause;
  }
}
