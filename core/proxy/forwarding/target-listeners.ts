/** Listeners that a client has on the target (`ssh -R`): RFC 4254 §7.1, OpenSSH PROTOCOL §2.4. */
import { mayForwardPorts } from "../../access/user-identity.js";
import { accessDenied, errorMessage } from "../../errors/error.js";
import { formatAddress } from "../../grammar/address.js";
import { SshReader } from "../../pki/ssh-wire.js";
import type { Forward } from "../../session/forwarding-audit.js";
import {
  type ChannelOpen,
  OPEN_FAILURE,
  type PeerRequest,
  type RequestReply,
  type SshChannel,
  type SshConnection,
} from "../../ssh/contract.js";
import { carryForward, type TargetForwardingOptions } from "./target-forwarding.js";

const port = (reader: SshReader): string => formatAddress({ host: reader.text(), port: reader.uint32() });
const socket = (reader: SshReader): string => `unix:${reader.text()}`;

/** The requests that open listeners, those that close them, and the channels of their connections. */
const LISTENERS = [
  { open: "tcpip-forward", cancel: "cancel-tcpip-forward", channel: "forwarded-tcpip", name: port },
  {
    open: "streamlocal-forward@openssh.com",
    cancel: "cancel-streamlocal-forward@openssh.com",
    channel: "forwarded-streamlocal@openssh.com",
    name: socket,
  },
] as const;

/** Passes a client's requests for listeners on to the target, which decides about them once the roles have allowed them. */
export function serveRemoteForwarding(
  connection: SshConnection,
  admission: Pick<SshConnection, "onGlobalRequest">,
  options: TargetForwardingOptions,
): void {
  for (const { open, cancel, name } of LISTENERS) {
    admission.onGlobalRequest(open, (request) => openListener(request, name, connection, options));
    admission.onGlobalRequest(cancel, ({ payload }) => ask(options, cancel, payload));
  }
}

/** Brings what connects to the listeners on `upstream` to the client. */
export function bringRemoteForwards(
  upstream: SshConnection,
  client: SshConnection,
  options: TargetForwardingOptions,
): void {
  for (const { channel, name } of LISTENERS) {
    upstream.onChannel(channel, (open) => void bring(open, name, client, options));
  }
}

async function openListener(
  request: PeerRequest,
  name: (reader: SshReader) => string,
  connection: SshConnection,
  options: TargetForwardingOptions,
): Promise<RequestReply> {
  const { identity, audit, target } = options;
  const forward: Forward = { kind: "listener", addr: name(new SshReader(request.payload)) };
  try {
    if (!mayForwardPorts(identity)) {
      await audit.failed(forward, "port forwarding not allowed");
      return false;
    }
    await audit.connected(forward);
    const reply = await ask(options, request.name, request.payload);
    if (reply === false) await audit.failed(forward, "the remote host refuses to listen there");
    // Another connection to the target would have no listeners, and the client would not know.
    else void (await target.open()).whenClosed.then(() => connection.disconnect("the remote host has gone"));
    return reply;
  } catch (error) {
    await audit.failed(forward, errorMessage(error));
    return false;
  }
}

async function ask(
  { target }: TargetForwardingOptions,
  name: string,
  payload: Buffer,
): Promise<RequestReply> {
  return (await (await target.open()).globalRequest(name, true, payload)) ?? false;
}

async function bring(
  open: ChannelOpen,
  name: (reader: SshReader) => string,
  client: SshConnection,
  options: TargetForwardingOptions,
): Promise<void> {
  let forward: Forward = { kind: "remote", addr: "" };
  let toClient: SshChannel;
  try {
    forward = { kind: "remote", addr: name(new SshReader(open.payload)) };
    if (!mayForwardPorts(options.identity)) throw accessDenied("port forwarding not allowed");
    await options.audit.connected(forward);
    toClient = await client.openChannel(open.type, open.payload);
  } catch (error) {
    await options.audit.failed(forward, errorMessage(error));
    open.reject(OPEN_FAILURE.connectFailed, errorMessage(error));
    return;
  }
  await carryForward(forward, { toClient, toTarget: open.accept() }, options);
}
