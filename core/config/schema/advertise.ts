import { isIPv4 } from "node:net";
import { badParameter } from "../../errors/error.js";
import { parseAddress } from "../../grammar/address.js";
import type { Address } from "../../grammar/address.js";
import { parsed } from "./field.js";

/** An address that others are told to use; without a port each service adds its own. */
export interface AdvertisedAddress {
  readonly host: string;
  readonly port?: number | undefined;
}

/** Reads `host[:port]` and refuses what nobody can connect to. Throws `bad_parameter`. */
export function parseAdvertisedAddress(text: string): AdvertisedAddress {
  const address: Address = parseAddress(text, 0);
  if (isUnreachable(address.host)) throw badParameter(`unreachable advertise IP: ${address.host}`);
  return address.port === 0 ? { host: address.host } : address;
}

/** `teleport.advertise_ip`. */
export const advertisedAddress = parsed(parseAdvertisedAddress);

/** Unspecified and multicast addresses (RFC 1112, RFC 4291 §2.7). */
function isUnreachable(host: string): boolean {
  if (isIPv4(host)) {
    const first = Number(host.split(".")[0]);
    return host === "0.0.0.0" || (first >= 224 && first <= 239);
  }
  return host.includes(":") && (/^[0:]+$/.test(host) || /^ff/i.test(host));
}
