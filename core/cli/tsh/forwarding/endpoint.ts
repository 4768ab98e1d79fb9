/** The ends of forwards: TCP addresses and paths of Unix sockets. */
import { formatAddress, type Address } from "../../../grammar/address.js";

/** Where to listen, or what to connect to. An address with an empty host means all interfaces. */
export type Endpoint = Address | { readonly path: string };

/** Whether an endpoint is a Unix socket. */
export function isSocketPath(endpoint: Endpoint): endpoint is { readonly path: string } {
  return "path" in endpoint;
}

/** The endpoint for messages: `host:port`, or the path. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (isSocketPath(endpoint)) return endpoint.path;
  return formatAddress(endpoint.host === "" ? { ...endpoint, host: "*" } : endpoint);
}
