import { isIPv6 } from "node:net";
import { badParameter } from "../../errors/error.js";
import type { Address } from "../../grammar/address.js";

/** A port to forward: from where tsh listens to what the node connects to. */
export interface ForwardSpec {
  readonly listen: Address;
  readonly target: Address;
}

/** Reads `[ip:]port:host:hostport` of `-L`; IPv6 addresses stand in brackets. Throws `bad_parameter`. */
export function parseForward(spec: string): ForwardSpec {
  const match = /^(?:(\[[^\]]+\]|[^:[\]]*):)?(\d{1,5}):(\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(spec);
  const [, ip, port, host, hostPort] = match ?? [];
  if (port === undefined || host === undefined || hostPort === undefined) throw invalid(spec);
  return {
    listen: { host: ip ? bare(ip, spec) : "127.0.0.1", port: checkPort(port, 0, spec) },
    target: { host: bare(host, spec), port: checkPort(hostPort, 1, spec) },
  };
}

function bare(host: string, spec: string): string {
  if (!host.startsWith("[")) return host;
  const inner = host.slice(1, -1);
  if (!isIPv6(inner)) throw invalid(spec);
  return inner;
}

function checkPort(digits: string, least: number, spec: string): number {
  const port = Number(digits);
  if (port < least || port > 65535) throw invalid(spec);
  return port;
}

function invalid(spec: string): Error {
  return badParameter(`Invalid port forwarding spec: '${spec}'. Could be like \`80:remote.host:80\``);
}
