/** Local forwarding: `direct-tcpip` channels (RFC 4254 §7.2), as `ssh -L`, `-W` and `-D` open them. */
import type { Socket } from "node:net";
import { mayForwardPorts } from "../access/user-identity.js";
import { errorMessage } from "../errors/error.js";
import { type Address, formatAddress } from "../grammar/address.js";
import { SshReader } from "../pki/ssh-wire.js";
import { ForwardingAudit, type ForwardingOptions } from "../session/forwarding-audit.js";
import { type ChannelOpen, OPEN_FAILURE } from "../ssh/contract.js";
import { relay } from "../ssh/relay.js";
import { connectTcp } from "../ssh/tcp-connect.js";

/** Connects one channel to its target. The event `port` is on record before the first byte flows. Never rejects. */
export async function forwardPort(open: ChannelOpen, options: ForwardingOptions): Promise<void> {
  let target: Address;
  try {
    target = readTarget(open.payload);
  } catch (error) {
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  const audit = new ForwardingAudit(options);
  const address = formatAddress(target);
  if (!mayForwardPorts(options.identity)) {
    await audit.failed(address, "port forwarding not allowed");
    open.reject(OPEN_FAILURE.administrativelyProhibited, "port forwarding not allowed");
    return;
  }
  let socket: Socket;
  try {
    socket = await connectTcp(target, options.context.clock);
  } catch (error) {
    await audit.failed(address, errorMessage(error));
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  try {
    await audit.connected(address);
  } catch (error) {
    socket.destroy();
    open.reject(OPEN_FAILURE.resourceShortage, `this connection cannot be audited: ${errorMessage(error)}`);
    return;
  }
  const channel = open.accept();
  channel.extended.resume();
  await relay(channel, socket);
  channel.close();
  await audit.ended({ tx: socket.bytesRead, rx: socket.bytesWritten });
}

function readTarget(payload: Buffer): Address {
  const reader = new SshReader(payload);
  return { host: reader.text(), port: reader.uint32() };
}
