/** Which peers are proxies of this cluster, and may hand over client addresses (wire.md §3.7). */
import { lookup } from "node:dns/promises";
import type { ClusterView } from "../auth/client/view.js";
import { parseAddress } from "../grammar/address.js";
import type { Server } from "../resources/server.js";

/** Follows the registered proxies; the result tells whether a peer (`ip:port`) is one of them, or this very host. */
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
    return host !== undefined && (host === "::1" || host.startsWith("127.") || known.has(host));
  };
}

function hostsOf({ spec }: Server): string[] {
  return [spec.addr, spec.public_addr].flatMap((address) => {
    const host = address === undefined ? undefined : hostOf(address);
    return host === undefined || host === "" ? [] : [host];
  });
}

function hostOf(address: string): string | undefined {
  try {
    return parseAddress(address, 0).host;
  } catch {
    // What is no address is no proxy's.
    return undefined;
  }
}
