/** A server that the recording proxy stands in for. */
import { isIP } from "node:net";
import type { ConnectionServer } from "../../access/connection-access.js";
import { serverLabels } from "../../access/server-labels.js";
import { type Address, formatAddress } from "../../grammar/address.js";
import type { Server } from "../../resources/server.js";

/** Where a forwarded connection leads, and by which names the client knows it. */
export interface ForwardingTarget {
  /** Where it is dialled. */
  readonly address: Address;
  /** What roles and locks see of it; an unregistered server has neither id nor labels. */
  readonly facts: ConnectionServer;
  /** The names that the proxy proves to the client, the dialled one first. */
  readonly presentedNames: readonly string[];
  /** The name that the target must prove to the proxy. */
  readonly requiredName: string;
}

/** The target that a registered node is, dialled as `host`. */
export function nodeTarget(
  node: Server,
  dialled: { readonly host: string; readonly namespace: string; readonly address: Address },
  clusterName: string,
): ForwardingTarget {
  const id = node.metadata.name;
  const { hostname } = node.spec;
  return {
    address: dialled.address,
    facts: { namespace: dialled.namespace, labels: serverLabels(node), id, hostname },
    presentedNames: namesOf([dialled.host, hostname, id, dialled.address.host], clusterName),
    // Whatever name was dialled led to this node by its registration, so that is what it has to be.
    requiredName: `${id}.${clusterName}`,
  };
}

/** The target that a server outside of the cluster is. */
export function unregisteredTarget(
  address: Address,
  namespace: string,
  clusterName: string,
): ForwardingTarget {
  return {
    address,
    facts: { namespace, labels: {}, id: "", hostname: address.host },
    presentedNames: namesOf([address.host], clusterName),
    requiredName: address.host,
  };
}

/** What leads to the target through the proxy, and to no other: the UUID of a registered node, else `host:port`. */
export function targetName({ facts, address }: Pick<ForwardingTarget, "facts" | "address">): string {
  return facts.id || formatAddress(address).toLowerCase();
}

/** Each name, and as `name.cluster`, by which `tctl auth export --type=host` has OpenSSH trust the cluster's hosts. */
function namesOf(hosts: readonly string[], clusterName: string): string[] {
  const names = hosts
    .map((host) => host.toLowerCase())
    .flatMap((host) =>
      isIP(host) !== 0 || host.endsWith(`.${clusterName}`) ? [host] : [host, `${host}.${clusterName}`],
    );
  return [...new Set(names)];
}
