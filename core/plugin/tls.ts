/** The TLS contract: where a listener's certificates come from. */

/** A certificate chain with its private key, as PEM text. */
export interface KeyPair {
  /** Leaf first, then intermediates. */
  readonly chainPem: string;
  readonly keyPem: string;
}

/** A running certificate source. */
export interface TlsSource {
  /** The pair for an SNI server name; without a name (or for an unknown one) the default pair. */
  current(serverName?: string): Promise<KeyPair>;
  /** Yields whenever `current` may answer differently. New handshakes use the new pair, open connections stay. */
  changes(signal: AbortSignal): AsyncIterable<void>;
  close(): Promise<void>;
}
