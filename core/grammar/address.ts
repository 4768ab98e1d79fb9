import { isIP, isIPv6 } from "node:net";
import { badParameter } from "../errors/error.js";

/** A host name or IP address (IPv6 without brackets) and a TCP port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host[:port]`, optionally with `tcp://` in front; a missing port becomes `defaultPort`. IPv6 addresses with
 * a port need brackets. Port 0 is legal: the system picks one. Throws `bad_parameter`.
 */
export function parseAddress(text: string, defaultPort: number): Address {
  const bare = text.trim().replace(/^tcp:\/\//, "");
  if (bare.includes("://")) {
    throw badParameter(`unsupported scheme in address '${text}', expected 'host:port' or 'tcp://host:port'`);
  }
  if (isIPv6(bare)) return { host: bare, port: defaultPort };
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(bare);
  if (!match) throw badParameter(`invalid address '${text}', expected 'host:port' ('[host]:port' for IPv6)`);
  const [, bracketed, plain, port] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) {
    throw badParameter(`invalid address '${text}': '${bracketed}' is not an IPv6 address`);
  }
  const host = bracketed ?? plain ?? "";
  if (host === "") throw badParameter(`invalid address '${text}': the host is missing`);
  if (bracketed === undefined && !/^[\w.-]+$/.test(host)) {
    throw badParameter(`invalid address '${text}': '${host}' is not a host name or IP address`);
  }
  return { host, port: port === undefined ? defaultPort : parsePort(port, text) };
}

/** Writes `host:port`, with brackets around an IPv6 address. */
export function formatAddress(address: Address): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** The host of an `ip:port` of a socket, IPv6 without brackets: what a peer is known by. */
export function hostOf(address: string): string {
  return isIP(address) ? address : address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

function parsePort(digits: string, text: string): number {
  const port = Number(digits);
  if (digits === "" || port > 65535) {
    throw badParameter(`invalid address '${text}': the port must be a number from 0 to 65535`);
  }
  return port;
}
