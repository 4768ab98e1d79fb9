/** Connections that a client forwards to the target's network (`ssh -L`, `-W`, `-D`), and the client's agent on the target. */
import { mayForwardPorts } from "../../access/user-identity.js";
import { errorMessage } from "../../errors/error.js";
import { formatAddress } from "../../grammar/address.js";
import { SshReader } from "../../pki/ssh-wire.js";
import type { Forward, ForwardingAudit } from "../../session/forwarding-audit.js";
import type { LiveIdentity } from "../../session/live-identity.js";
import { type ChannelOpen, OPEN_FAILURE, type SshChannel, type SshConnection } from "../../ssh/contract.js";
import { relay } from "../../ssh/relay.js";
import type { TargetConnection } from "./target-connection.js";

/** What forwarding needs. */
export interface TargetForwardingOptions {
  readonly target: TargetConnection;
  readonly identity: LiveIdentity;
  readonly audit: ForwardingAudit;
}

/** Channels that the target connects further, and how each says to where. */
export const LOCAL_FORWARDS: ReadonlyMap<string, (reader: SshReader) => string> = new Map([
  // RFC 4254 §7.2
  ["direct-tcpip", (reader: SshReader) => formatAddress({ host: reader.text(), port: reader.uint32() })],
  // OpenSSH PROTOCOL §2.4
  ["direct-streamlocal@openssh.com", (reader: SshReader) => `unix:${reader.text()}`],
]);

/**
 * Has the target connect a channel of {@link LOCAL_FORWARDS}. Its event is on record before the first byte flows. Never
 * rejects.
 */
export async function forwardToTarget(open: ChannelOpen, options: TargetForwardingOptions): Promise<void> {
  const { target, identity, audit } = options;
  let forward: Forward;
  try {
    forward = { kind: "local", addr: LOCAL_FORWARDS.get(open.type)?.(new SshReader(open.payload)) ?? "" };
  } catch (error) {
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  if (!mayForwardPorts(identity)) {
    await audit.failed(forward, "port forwarding not allowed");
    open.reject(OPEN_FAILURE.administrativelyProhibited, "port forwarding not allowed");
    return;
  }
  let upstream: SshChannel;
  try {
    upstream = await (await target.open()).openChannel(open.type, open.payload);
  } catch (error) {
    await audit.failed(forward, errorMessage(error));
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  try {
    await audit.connected(forward);
  } catch (error) {
    upstream.close();
    open.reject(OPEN_FAILURE.resourceShortage, `this connection cannot be audited: ${errorMessage(error)}`);
    return;
  }
  const channel = open.accept();
  await carryForward(forward, { toClient: channel, toTarget: upstream }, options);
}

/** Carries a forwarded connection until it ends or the roles no longer allow it, and tells its bytes. Never rejects. */
export async function carryForward(
  forward: Forward,
  { toClient, toTarget }: { readonly toClient: SshChannel; readonly toTarget: SshChannel },
  { identity, audit }: TargetForwardingOptions,
): Promise<void> {
  const release = identity.onChange(() => {
    if (mayForwardPorts(identity)) return;
    toClient.close();
    toTarget.close();
  });
  const bytes = { tx: 0, rx: 0 };
  toClient.on("data", (chunk: Buffer) => (bytes.rx += chunk.length));
  toTarget.on("data", (chunk: Buffer) => (bytes.tx += chunk.length));
  await joinChannels(toClient, toTarget);
  release();
  await audit.ended(forward, bytes);
}

/** Lets programs of the target reach the agent at the other end of `source`. Never rejects. */
export async function forwardAgentChannel(open: ChannelOpen, source: SshConnection): Promise<void> {
  let agent: SshChannel;
  try {
    agent = await source.openChannel(open.type);
  } catch (error) {
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  await joinChannels(open.accept(), agent);
}

async function joinChannels(a: SshChannel, b: SshChannel): Promise<void> {
  a.extended.resume();
  b.extended.resume();
  await relay(a, b);
  a.close();
  b.close();
}
