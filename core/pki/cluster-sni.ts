import { isUtf8 } from "node:buffer";

/** The server name of a caller without a certificate, and the domain of all encoded cluster names (wire.md §1.6). */
export const API_DOMAIN = "teleport.cluster.local";

/** The TLS server name that stands for a cluster: the hex of its name below {@link API_DOMAIN}. */
export function encodeClusterName(clusterName: string): string {
  return `${Buffer.from(clusterName, "utf8").toString("hex")}.${API_DOMAIN}`;
}

/** The cluster that a server name stands for; undefined for every other name, also where the hex is malformed. */
export function decodeClusterName(serverName: string): string | undefined {
  const name = serverName.toLowerCase();
  if (!name.endsWith(`.${API_DOMAIN}`)) {
    return undefined;
  }
  const label = name.slice(0, -API_DOMAIN.length - 1);
  const bytes = Buffer.from(label, "hex");
  return /^(?:[0-9a-f]{2})+$/.test(label) && isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}
