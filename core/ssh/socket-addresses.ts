import type { Socket } from "node:net";
import { formatAddress } from "../grammar/address.js";
import type { StreamAddresses } from "./server.js";

/** Both ends of a TCP connection, or undefined where the peer has gone already. */
export function socketAddresses(socket: Socket): StreamAddresses | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || localAddress === undefined) return undefined;
  return { remote: address(remoteAddress, remotePort), local: address(localAddress, localPort) };
}

/** IPv4 clients of a dual-stack listener are known by their IPv4 address. */
function address(host: string, port = 0): string {
  return formatAddress({ host: host.replace(/^::ffff:(?=\d+\.)/, ""), port });
}
