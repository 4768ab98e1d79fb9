/** Which peers are proxies of this cluster, and may hand over client addresses (wire.md §3.7). */
import type { ClusterView } from "../auth/client/view.js";
import { parseAddress } from "../grammar/address.js";

/** Tells whether a peer (`ip:port`) is this host or the host of a registered proxy. Host names are not resolved. */
export function proxyAddresses(view: ClusterView): (remote: string) => boolean {
  return (remote) => {
    const host = hostOf(remote);
    if (host === undefined) return false;
    if (host === "::1" || /^127\./.test(host)) return true;
    return view
      .proxies()
      .some(({ spec }) => hostOf(spec.addr) === host || hostOf(spec.public_addr ?? "") === host);
  };
}

function hostOf(address: string): string | undefined {
  try {
    return parseAddress(address, 0).host;
  } catch {
    // A proxy with an address that cannot be read is no proxy for this purpose.
    return undefined;
  }
}
