/** Which peers are proxies of this cluster, and may hand over client addresses (wire.md §3.7). */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { ClusterView } from "../auth/client/view.js";
import { hostOf, parseAddress } from "../grammar/address.js";
import type { Server } from "../resources/server.js";

/**
 * Follows the registered proxies; the result tells whether a peer (`ip:port`) is one of them. A proxy on this host may come
 * from any address of it; where none is registered here, local users are not believed.
 */
export function followProxyAddresses(view: ClusterView): (remote: string) => boolean {
  let known: ReadonlySet<string> = new Set();
  const refresh = async (): Promise<void> => {
    const hosts = new Set(view.proxies().flatMap(hostsOf));
    // A name that cannot be resolved now is tried again with the next change of a proxy's heartbeat.
    const found = await Promise.all([...hosts].map((host) => lookup(host, { all: true }).catch(() => [])));
    known = new Set(found.flat().map(({ address }) => address));
  };
  void refresh();
  view.onChange("proxy", () => void refresh());
  return (remote) => {
    const host = hostOf(remote);
    return known.has(host) || (isOfThisHost(host) && [...known].some(isOfThisHost));
  };
}

function isOfThisHost(ip: string): boolean {
  if (ip === "::1" || ip.startsWith("127.")) return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === ip),
  );
}

function hostsOf({ spec }: Server): string[] {
  return [spec.addr, spec.public_addr].flatMap((address) => {
    try {
      return address === undefined ? [] : [parseAddress(address, 0).host];
    } catch {
      // What is no address is no proxy's.
      return [];
    }
  });
}
