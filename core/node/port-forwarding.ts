/**
 * Local forwarding, as `ssh -L`, `-W` and `-D` ask for it: `direct-tcpip` channels (RFC 4254 §7.2) to TCP targets and
 * `direct-streamlocal@openssh.com` ones (OpenSSH PROTOCOL §2.4) to Unix sockets.
 */
import type { Socket } from "node:net";
import { errorMessage } from "../errors/error.js";
import { type Address, formatAddress } from "../grammar/address.js";
import { SshReader } from "../pki/ssh-wire.js";
import type { Forward } from "../session/forwarding-audit.js";
import { type ChannelOpen, OPEN_FAILURE, type SshConnection } from "../ssh/contract.js";
import { connectTcp } from "../ssh/tcp-connect.js";
import type { ConnectionForwarding } from "./connection-forwarding.js";

interface Target {
  readonly forward: Forward;
  readonly connect: () => Promise<Socket>;
}

/** Answers a connection's requests for local forwarding. */
export function serveLocalForwarding(
  forwarding: ConnectionForwarding,
  admission: Pick<SshConnection, "onChannel">,
): void {
  admission.onChannel("direct-tcpip", (open) => void forward(open, forwarding, tcpTarget));
  admission.onChannel(
    "direct-streamlocal@openssh.com",
    (open) => void forward(open, forwarding, socketTarget),
  );
}

/** Connects one channel to its target. Its event is on record before the first byte flows. Never rejects. */
async function forward(
  open: ChannelOpen,
  forwarding: ConnectionForwarding,
  read: (payload: SshReader, forwarding: ConnectionForwarding) => Target,
): Promise<void> {
  const { audit, forwards } = forwarding;
  let target: Target;
  try {
    target = read(new SshReader(open.payload), forwarding);
  } catch (error) {
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  const refusal = forwarding.portRefusal();
  if (refusal !== undefined) {
    await audit.failed(target.forward, refusal);
    open.reject(OPEN_FAILURE.administrativelyProhibited, refusal);
    return;
  }
  try {
    await forwarding.admission();
  } catch (error) {
    await audit.failed(target.forward, errorMessage(error));
    open.reject(OPEN_FAILURE.administrativelyProhibited, errorMessage(error));
    return;
  }
  let socket: Socket;
  try {
    socket = await target.connect();
  } catch (error) {
    await audit.failed(target.forward, errorMessage(error));
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  try {
    await audit.connected(target.forward);
  } catch (error) {
    socket.destroy();
    open.reject(OPEN_FAILURE.resourceShortage, `this connection cannot be audited: ${errorMessage(error)}`);
    return;
  }
  await forwards.carry(target.forward, open.accept(), socket);
}

function tcpTarget(payload: SshReader, { context }: ConnectionForwarding): Target {
  const address: Address = { host: payload.text(), port: payload.uint32() };
  return {
    forward: { kind: "local", addr: formatAddress(address) },
    connect: () => connectTcp(address, context.clock),
  };
}

function socketTarget(payload: SshReader, { sockets }: ConnectionForwarding): Target {
  const path = payload.text();
  return {
    forward: { kind: "local", addr: `unix:${path}` },
    connect: () => sockets.connect(path),
  };
}
