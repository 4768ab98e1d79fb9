import { formatAddress, type Address } from "../../grammar/address.js";

/** Addresses that the proxy tells clients about (wire.md §2.2). */
export interface AdvertisedAddresses {
  readonly sshListen: Address;
  readonly tunnelListen: Address;
  /** `proxy_service.public_addr`, first entry. */
  readonly web?: Address | undefined;
  readonly ssh?: Address | undefined;
  readonly tunnel?: Address | undefined;
}

/** The `proxy` part of a ping reply. */
export interface PingProxy {
  kube: Record<string, never>;
  ssh: {
    listen_addr: string;
    tunnel_listen_addr: string;
    public_addr?: string;
    ssh_public_addr?: string;
    ssh_tunnel_public_addr?: string;
  };
}

/** Builds the `proxy` part of a ping reply. Optional addresses are left out, never empty. */
export function pingProxy(addresses: AdvertisedAddresses): PingProxy {
  const optional = (key: string, address: Address | undefined): Record<string, string> =>
    address ? { [key]: formatAddress(address) } : {};
  return {
    kube: {},
    ssh: {
      listen_addr: formatAddress(addresses.sshListen),
      tunnel_listen_addr: formatAddress(addresses.tunnelListen),
      ...optional("public_addr", addresses.web),
      ...optional("ssh_public_addr", addresses.ssh),
      ...optional("ssh_tunnel_public_addr", addresses.tunnel),
    },
  };
}
