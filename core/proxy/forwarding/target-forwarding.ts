/** What a forwarded connection passes on besides sessions: ports of the client, and its agent. */
import { mayForwardPorts } from "../../access/user-identity.js";
import { errorMessage } from "../../errors/error.js";
import { formatAddress } from "../../grammar/address.js";
import { SshReader } from "../../pki/ssh-wire.js";
import { ForwardingAudit, type ForwardingOptions } from "../../session/forwarding-audit.js";
import { type ChannelOpen, OPEN_FAILURE, type SshChannel, type SshConnection } from "../../ssh/contract.js";
import { relay } from "../../ssh/relay.js";
import type { TargetConnection } from "./target-connection.js";

const DIRECT_TCPIP = "direct-tcpip";

/**
 * Has the target connect a `direct-tcpip` channel (RFC 4254 §7.2). The event `port` is on record before the first byte
 * flows. Never rejects.
 */
export async function forwardPortToTarget(
  open: ChannelOpen,
  target: TargetConnection,
  options: ForwardingOptions,
): Promise<void> {
  const audit = new ForwardingAudit(options);
  let address: string;
  try {
    const reader = new SshReader(open.payload);
    address = formatAddress({ host: reader.text(), port: reader.uint32() });
  } catch (error) {
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  if (!mayForwardPorts(options.identity)) {
    await audit.failed(address, "port forwarding not allowed");
    open.reject(OPEN_FAILURE.administrativelyProhibited, "port forwarding not allowed");
    return;
  }
  let upstream: SshChannel;
  try {
    upstream = await (await target.open()).openChannel(DIRECT_TCPIP, open.payload);
  } catch (error) {
    await audit.failed(address, errorMessage(error));
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  upstream.extended.resume();
  try {
    await audit.connected(address);
  } catch (error) {
    upstream.close();
    open.reject(OPEN_FAILURE.resourceShortage, `this connection cannot be audited: ${errorMessage(error)}`);
    return;
  }
  const channel = open.accept();
  const bytes = { tx: 0, rx: 0 };
  channel.on("data", (chunk: Buffer) => (bytes.rx += chunk.length));
  upstream.on("data", (chunk: Buffer) => (bytes.tx += chunk.length));
  await joinChannels(channel, upstream);
  await audit.ended(bytes);
}

/** Lets programs of the target reach the agent at the other end of `source`. */
export async function forwardAgentChannel(open: ChannelOpen, source: SshConnection): Promise<void> {
  let agent: SshChannel;
  try {
    agent = await source.openChannel(open.type);
  } catch (error) {
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  agent.extended.resume();
  await joinChannels(open.accept(), agent);
}

async function joinChannels(a: SshChannel, b: SshChannel): Promise<void> {
  a.extended.resume();
  await relay(a, b);
  a.close();
  b.close();
}
