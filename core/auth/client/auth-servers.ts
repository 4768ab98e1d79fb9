/** The auth servers that a client may call, in the order in which it tries them. */
export class AuthServers {
  #order: string[];
  readonly #listeners = new Set<(address: string) => void>();

  /**
   * Starts with any of the addresses, so that clients spread over the servers, and then stays with the one that works.
   * `random` is between 0 and 1.
   */
  constructor(addresses: readonly string[], random: () => number = Math.random) {
    const known = [...new Set(addresses)];
    const first = Math.floor(random() * known.length);
    this.#order = [...known.slice(first), ...known.slice(0, first)];
  }

  /** The one in use first, those that failed last at the end. */
  get order(): readonly string[] {
    return this.#order;
  }

  /** Whether there is another server to turn to. */
  get hasOthers(): boolean {
    return this.#order.length > 1;
  }

  /** A connection stands: it is the one in use from now on. */
  works(address: string): void {
    if (this.#order.includes(address)) this.#order = [address, ...this.#others(address)];
  }

  /** It answered that it cannot serve now, or has closed its connections: the others are tried first. */
  failed(address: string): void {
    if (this.#order.includes(address)) this.#order = [...this.#others(address), address];
  }

  /** It does not answer any more: as {@link failed}, and whoever has a connection to it is told. */
  lost(address: string): void {
    this.failed(address);
    for (const listener of [...this.#listeners]) listener(address);
  }

  /** Calls back with each server that is lost; returns the function that unsubscribes. */
  onLost(listener: (address: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #others(address: string): string[] {
    return this.#order.filter((other) => other !== address);
  }
}
