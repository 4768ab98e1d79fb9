import { isIP } from "node:net";
import type { Address } from "../../grammar/address.js";

/**
 * Whether `proxy_service.unregistered_targets` lists a target that is no registered node. A pattern is `host:port`;
 * in the host `*` stands for any characters except a colon, the port is a number or `*`. Names are compared as they are
 * asked for: they are not resolved, so that DNS cannot widen the list.
 */
export function isListedTarget(patterns: readonly string[], target: Address): boolean {
  return patterns.some((pattern) => {
    const colon = pattern.lastIndexOf(":");
    if (colon <= 0) return false;
    const port = pattern.slice(colon + 1);
    if (port !== "*" && Number(port) !== target.port) return false;
    const host = pattern.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
    // A glob over digits and dots would let `10.*` match the name `10.evil.example`.
    if (/^[\d.*]+$/.test(host) && host !== "*" && isIP(target.host) === 0) return false;
    return globToRegExp(host).test(target.host);
  });
}

function globToRegExp(glob: string): RegExp {
  const source = glob
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join("[^:]*");
  return new RegExp(`^${source}$`, "i");
}
