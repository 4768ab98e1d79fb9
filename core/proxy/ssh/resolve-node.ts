/** Finds the registered node that a client means: by UUID, name, `name.cluster`, or address (wire.md §3.5). */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { badParameter, notFound } from "../../errors/error.js";
import { parseAddress, type Address } from "../../grammar/address.js";
import { isUuid } from "../../grammar/uuid.js";
import type { Server } from "../../resources/server.js";
import type { ProxyTarget } from "./target.js";

/** tsh recognises this text and lists the candidates. */
export const AMBIGUOUS_NODE = "err-node-is-ambiguous";

/** Port that a node has unless its registration says otherwise. */
export const NODE_PORT = 3022;

/** Resolves a host name to its addresses; an unknown name gives none. */
export type HostLookup = (host: string) => Promise<readonly string[]>;

/** Asks the operating system's resolver. */
export const systemLookup: HostLookup = async (host) => {
  try {
    return (await lookup(host, { all: true })).map((entry) => entry.address);
  } catch {
    // The name only has to match a registered node; that DNS does not know it is no failure.
    return [];
  }
};

/**
 * The one node that matches, or undefined where none does.
 *
 * Throws `bad_parameter` with {@link AMBIGUOUS_NODE} where several match, and `not_found` where the target looks like
 * the UUID of a node that is not registered. Names never fall back to another node: a UUID is only matched as one.
 */
export async function resolveNode(
  target: ProxyTarget,
  nodes: readonly Server[],
  clusterName: string,
  lookupHost: HostLookup = systemLookup,
): Promise<Server | undefined> {
  const host = target.host.toLowerCase();
  if (isUuid(host)) {
    const byId = nodes.find((node) => node.metadata.name.toLowerCase() === host);
    if (!byId) throw notFound(`unable to locate node matching uuid-like target ${target.host}`);
    return byId;
  }

  const names = namesOf(host, clusterName.toLowerCase());
  const direct = nodes.filter((node) => matches(node, names, target.port));
  const found =
    direct.length > 0 || isIP(host) ? direct : await matchByDns(host, target.port, nodes, lookupHost);
  if (found.length > 1) throw badParameter(AMBIGUOUS_NODE);
  return found[0];
}

/** Where to dial a node. Throws `not_found` for a node behind a reverse tunnel that is not connected here. */
export function nodeAddress(node: Server): Address {
  if (node.spec.use_tunnel || node.spec.addr === "") {
    throw notFound(`no reverse tunnel for ${node.spec.hostname} found`);
  }
  return parseAddress(node.spec.addr, NODE_PORT);
}

/** A name may carry the cluster's name as a suffix: `node1.example.com` is `node1` of `example.com`. */
function namesOf(host: string, clusterName: string): ReadonlySet<string> {
  const suffix = `.${clusterName}`;
  const names = new Set([host]);
  if (host.endsWith(suffix) && host.length > suffix.length) names.add(host.slice(0, -suffix.length));
  return names;
}

function matches(node: Server, names: ReadonlySet<string>, port: number): boolean {
  if (node.spec.use_tunnel) return names.has(node.spec.hostname.toLowerCase());
  const { hostname, addr, public_addr, public_addrs = [] } = node.spec;
  const isNamed = (host: string | undefined): boolean => host !== undefined && names.has(host.toLowerCase());
  const named = [hostname, node.metadata.name, addressOf(addr)?.host].some(isNamed);
  if (named && portMatches(node, port)) return true;
  // A public address may have another port, where the node is behind an address translation.
  return [public_addr, ...public_addrs]
    .map(addressOf)
    .some((address) => isNamed(address?.host) && (port === address?.port || portMatches(node, port)));
}

async function matchByDns(
  host: string,
  port: number,
  nodes: readonly Server[],
  lookupHost: HostLookup,
): Promise<Server[]> {
  const addresses = new Set(await lookupHost(host));
  return nodes.filter(
    (node) =>
      !node.spec.use_tunnel &&
      addresses.has(addressOf(node.spec.addr)?.host ?? "") &&
      portMatches(node, port),
  );
}

/**
 * OpenSSH asks for port 22 when its user named none, and nodes are registered with 3022: 22 means "any port" as 0 does,
 * unless a node is registered with port 22 itself.
 */
function portMatches(node: Server, port: number): boolean {
  return port === 0 || port === 22 || addressOf(node.spec.addr)?.port === port;
}

/** The address of a registration; undefined for one that cannot be read, which must not hide all the other nodes. */
function addressOf(text: string | undefined): Address | undefined {
  try {
    return text ? parseAddress(text, NODE_PORT) : undefined;
  } catch {
    return undefined;
  }
}
