/** The client's address as a proxy hands it to a node before the SSH stream: `Teleport-Proxy{json}` and a zero byte. */
import { badParameter } from "../errors/error.js";

/** What such a stream begins with. */
export const PROXY_PREFIX = Buffer.from("Teleport-Proxy");
const MAX_PREFIX_BYTES = 4096;

/** What a stream began with: the client's address, if a proxy told it, and the first bytes of SSH. */
export interface StreamHead {
  readonly clientAddress: string | undefined;
  readonly rest: Buffer;
}

/** The prefix that tells a node its client's address. */
export function encodeProxyPrefix(clientAddress: string): Buffer {
  return Buffer.from(`Teleport-Proxy${JSON.stringify({ clientAddr: clientAddress })}\0`);
}

/** Collects the head of a stream, however it is cut into chunks. */
export class ProxyPrefixReader {
  #seen: Buffer = Buffer.alloc(0);

  /**
   * Adds bytes; the head as soon as it is complete, undefined before.
   *
   * @throws bad_parameter for a malformed or endless prefix.
   */
  push(chunk: Buffer): StreamHead | undefined {
    this.#seen = this.#seen.length === 0 ? chunk : Buffer.concat([this.#seen, chunk]);
    const compared = Math.min(this.#seen.length, PROXY_PREFIX.length);
    if (!this.#seen.subarray(0, compared).equals(PROXY_PREFIX.subarray(0, compared))) {
      return { clientAddress: undefined, rest: this.#seen };
    }
    const end = this.#seen.indexOf(0);
    if (end < 0) {
      if (this.#seen.length > MAX_PREFIX_BYTES) throw badParameter("The Teleport-Proxy prefix does not end");
      return undefined;
    }
    const json = this.#seen.toString("utf8", PROXY_PREFIX.length, end);
    return { clientAddress: clientAddressOf(json), rest: this.#seen.subarray(end + 1) };
  }
}

function clientAddressOf(json: string): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw badParameter("The Teleport-Proxy prefix is not JSON", { cause });
  }
  const address = (value as { clientAddr?: unknown } | null)?.clientAddr;
  if (typeof address !== "string" || !/^[0-9a-fA-F.:[\]]{2,64}$/.test(address)) {
    throw badParameter("The Teleport-Proxy prefix holds no client address");
  }
  return address;
}
