/** What a server reads of a stream before the transport does: a proxy's prefix, and the client's offer. */
import { badParameter } from "../errors/error.js";
import { ClientOfferReader } from "./cipher-preference.js";
import { PROXY_PREFIX, ProxyPrefixReader } from "./proxy-prefix.js";

/** What the head of a stream tells. */
export interface StreamHeadEvents {
  /** A trusted proxy told the client's address. */
  clientAddress(address: string): void;
  /** A peer that is no trusted proxy told an address; `push` throws then. */
  untrustedPrefix(): void;
  /** The client can do some of the preferred ciphers. */
  preferCiphers(ciphers: readonly string[]): void;
}

/** Reads the head, however it is cut into chunks. */
export class StreamHeadReader {
  readonly #events: StreamHeadEvents;
  readonly #offer: ClientOfferReader;
  #prefix: ProxyPrefixReader | undefined;

  constructor(trustsProxyPrefix: boolean, preferredCiphers: readonly string[], events: StreamHeadEvents) {
    this.#events = events;
    this.#offer = new ClientOfferReader(preferredCiphers, (ciphers) => events.preferCiphers(ciphers));
    this.#prefix = trustsProxyPrefix ? new ProxyPrefixReader() : undefined;
  }

  /**
   * Adds bytes; gives those of SSH as soon as enough are known, undefined before.
   *
   * @throws bad_parameter for a malformed prefix, or one from a peer that is no trusted proxy.
   */
  push(chunk: Buffer): Buffer | undefined {
    if (this.#prefix === undefined) {
      const ssh = this.#offer.push(chunk);
      // Said here, since to the transport it would be a bare protocol error.
      if (ssh?.subarray(0, PROXY_PREFIX.length).equals(PROXY_PREFIX)) {
        this.#events.untrustedPrefix();
        throw badParameter("a client address was handed over by a peer that is no trusted proxy");
      }
      return ssh;
    }
    const head = this.#prefix.push(chunk);
    if (head === undefined) return undefined;
    this.#prefix = undefined;
    if (head.clientAddress !== undefined) this.#events.clientAddress(head.clientAddress);
    return head.rest.length === 0 ? undefined : this.#offer.push(head.rest);
  }
}
