import {
  errorMessage,
  unavailable,
  type Clock,
  type KeyPair,
  type Logger,
  type TlsSource,
} from "@teleport/plugin";
import type { PairProvider } from "./provider.js";

/** What a source needs. */
export interface TlsSourceOptions {
  readonly provider: PairProvider;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two looks at the files; 10 s when absent. */
  readonly intervalMs?: number | undefined;
}

/** A source that must be started before it has a pair. */
export interface StartableTlsSource extends TlsSource {
  /** Loads the pair and begins to watch it. Throws where there is no usable pair. */
  start(): Promise<void>;
}

const DEFAULT_INTERVAL_MS = 10_000;

/**
 * Serves one pair for every name. The files are looked at again and again rather than watched, since certificate
 * tools replace them by links, mounts and renames. A pair that cannot be used is reported once, and the old one stays.
 */
export function createTlsSource(options: TlsSourceOptions): StartableTlsSource {
  return new PolledSource(options);
}

class PolledSource implements StartableTlsSource {
  readonly #options: TlsSourceOptions;
  readonly #stop = new AbortController();
  #pair: KeyPair | undefined;
  #version = 0;
  #waiters = new Set<() => void>();
  #watching: Promise<void> | undefined;
  #reported: string | undefined;

  constructor(options: TlsSourceOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#pair = await this.#options.provider.load();
    this.#watching = this.#watch();
  }

  current(): Promise<KeyPair> {
    if (this.#pair === undefined) return Promise.reject(unavailable("the TLS certificate is not loaded yet"));
    return Promise.resolve(this.#pair);
  }

  changes(signal: AbortSignal): AsyncIterable<void> {
    // Counted from the call, not from the first look: nothing may fall between the two.
    return this.#changesSince(this.#version, signal);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#watching;
  }

  async *#changesSince(version: number, signal: AbortSignal): AsyncGenerator<void> {
    let seen = version;
    while (!signal.aborted && !this.#stop.signal.aborted) {
      if (this.#version === seen) await this.#nextChange(signal);
      if (this.#version === seen) continue;
      seen = this.#version;
      yield;
    }
  }

  async #watch(): Promise<void> {
    const { clock, intervalMs = DEFAULT_INTERVAL_MS } = this.#options;
    for (;;) {
      await clock.sleep(intervalMs, this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      await this.#reload();
    }
  }

  async #reload(): Promise<void> {
    const { provider, log } = this.#options;
    try {
      const pair = await provider.load();
      this.#reported = undefined;
      if (pair.chainPem === this.#pair?.chainPem && pair.keyPem === this.#pair.keyPem) return;
      this.#pair = pair;
      this.#version++;
      log.info("the TLS certificate was replaced; new connections use it");
      this.#wake();
    } catch (error) {
      const message = errorMessage(error);
      if (message === this.#reported) return;
      this.#reported = message;
      log.error("cannot use the changed TLS certificate; the old one stays in use", { error: message });
    }
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiters.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }
}
