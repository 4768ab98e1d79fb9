import { networkInterfaces } from "node:os";
import type { Address } from "../grammar/address.js";

const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::", ""]);

/**
 * The address under which others reach a listener: its public address, else the advertised one, else what it listens
 * on. For a listener on all interfaces the first address of this machine that is not loopback stands in.
 */
export function advertised(
  listen: Address,
  publicAddr: Address | undefined,
  advertise: { host: string; port?: number | undefined } | undefined,
): Address {
  if (publicAddr) return publicAddr;
  if (advertise) return { host: advertise.host, port: advertise.port ?? listen.port };
  return UNSPECIFIED.has(listen.host) ? { host: guessAddress(), port: listen.port } : listen;
}

/** Hosts that a service's certificate has to name: those that it listens on and those that it is announced by. */
export function certificateNames(...addresses: readonly (Address | undefined)[]): string[] {
  const hosts = addresses.flatMap((address) => (address ? [address.host] : []));
  return [...new Set(hosts.filter((host) => !UNSPECIFIED.has(host)))];
}

function guessAddress(): string {
  const candidates = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return candidates.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1";
}
