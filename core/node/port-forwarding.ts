/** Local forwarding: `direct-tcpip` channels (RFC 4254 §7.2), as `ssh -L`, `-W` and `-D` open them. */
import type { Socket } from "node:net";
import { auditEvent, type PendingAuditEvent, SESSION_DATA_INDEX } from "../audit/catalogue.js";
import { errorChain, errorMessage } from "../errors/error.js";
import { type Address, formatAddress } from "../grammar/address.js";
import { SshReader } from "../pki/ssh-wire.js";
import { type ChannelOpen, OPEN_FAILURE, type SshConnection } from "../ssh/contract.js";
import { relay } from "../ssh/relay.js";
import { connectTcp } from "../ssh/tcp-connect.js";
import type { NodeContext } from "./node-context.js";
import type { SessionBytes } from "./session-streams.js";
import { mayForwardPorts, type UserIdentity } from "../access/user-identity.js";

/** Who forwards. */
export interface ForwardingOptions {
  readonly context: NodeContext;
  readonly connection: SshConnection;
  readonly identity: UserIdentity;
}

/** Connects one channel to its target. The event `port` is on record before the first byte flows. Never rejects. */
export async function forwardPort(open: ChannelOpen, options: ForwardingOptions): Promise<void> {
  let target: Address;
  try {
    target = readTarget(open.payload);
  } catch (error) {
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  if (!mayForwardPorts(options.identity)) {
    await emit(options, portEvent(options, target, "port forwarding not allowed")).catch(() => undefined);
    open.reject(OPEN_FAILURE.administrativelyProhibited, "port forwarding not allowed");
    return;
  }
  let socket: Socket;
  try {
    socket = await connectTcp(target, options.context.clock);
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
  const channel = open.accept();
  channel.extended.resume();
  await relay(channel, socket);
  channel.close();
  const bytes = { tx: socket.bytesRead, rx: socket.bytesWritten };
  await emit(options, dataEvent(options, bytes)).catch(() => undefined);
}

function readTarget(payload: Buffer): Address {
  const reader = new SshReader(payload);
  return { host: reader.text(), port: reader.uint32() };
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

function portEvent(options: ForwardingOptions, target: Address, error?: string): PendingAuditEvent {
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
