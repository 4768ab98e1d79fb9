import { parseAddress, type Address } from "../../grammar/address.js";
import { SSH_PORT, WEB_PORT, type ProxyFlag } from "./proxy-address.js";
import type { PingReply } from "./web-replies.js";

/**
 * The addresses to use after a ping (wire.md §2.2): the public address takes the place of the web address; the SSH
 * address is its own public one, else the host of the web address with the port the proxy listens on. A port that the
 * user has named stays.
 */
export function advertisedAddresses(flag: ProxyFlag, ping: PingReply): { web: Address; ssh: Address } {
  const web =
    ping.publicAddress === ""
      ? { host: flag.host, port: flag.webPort ?? WEB_PORT }
      : parseAddress(ping.publicAddress.toLowerCase(), WEB_PORT);
  if (flag.sshPort !== undefined) return { web, ssh: { host: flag.host, port: flag.sshPort } };
  if (ping.sshPublicAddress !== "") return { web, ssh: parseAddress(ping.sshPublicAddress, SSH_PORT) };
  const { port } =
    ping.sshListenAddress === "" ? { port: SSH_PORT } : parseListenAddress(ping.sshListenAddress);
  return { web, ssh: { host: web.host, port } };
}

/** Listen addresses may have no host: `:3023`. */
function parseListenAddress(text: string): Address {
  return parseAddress(text.startsWith(":") ? `0.0.0.0${text}` : text, SSH_PORT);
}
