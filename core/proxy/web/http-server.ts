/** The HTTP server under the web routes: with TLS from a certificate source, or plain for `--insecure-no-tls`. */
import http from "node:http";
import https from "node:https";
import tls from "node:tls";
import { errorChain } from "../../errors/error.js";
import type { Logger } from "../../plugin/logger.js";
import type { KeyPair, TlsSource } from "../../plugin/tls.js";

/** A client that dawdles over its TLS handshake, its headers or its request is dropped. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const TIMEOUTS = { headersTimeout: 15_000, requestTimeout: 60_000 };
const MIN_VERSION = "TLSv1.2";

/** A server without a listener of its own: hand it sockets by its `connection` event. */
export interface HttpServer {
  readonly server: http.Server;
  /** Ends its connections. Idempotent. */
  close(): void;
}

/** What the server needs. */
export interface HttpServerOptions {
  readonly tls: TlsSource | undefined;
  /** OpenSSL names of the allowed cipher suites; the defaults when absent. */
  readonly cipherSuites?: string | undefined;
  readonly log: Logger;
}

/** Makes a server. Throws what the certificate source throws, rather than at the first handshake. */
export async function createHttpServer(
  options: HttpServerOptions,
  handler: http.RequestListener,
): Promise<HttpServer> {
  const stop = new AbortController();
  const server = options.tls
    ? await createTlsServer(options, options.tls, handler, stop.signal)
    : http.createServer(TIMEOUTS, handler);
  // Node watches over the time-outs of its connections from this event on; nothing else is bound to it.
  server.emit("listening");
  return {
    server,
    close() {
      stop.abort();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function createTlsServer(
  options: HttpServerOptions,
  source: TlsSource,
  handler: http.RequestListener,
  signal: AbortSignal,
): Promise<https.Server> {
  const { log, cipherSuites } = options;
  /** By chain: parsing a key for every handshake would be slow. */
  const contexts = new Map<string, tls.SecureContext>();
  const settings = (pair: KeyPair): tls.SecureContextOptions => ({
    key: pair.keyPem,
    cert: pair.chainPem,
    minVersion: MIN_VERSION,
    ...(cipherSuites ? { ciphers: cipherSuites } : {}),
  });
  const contextFor = async (name: string): Promise<tls.SecureContext> => {
    const pair = await source.current(name);
    const known = contexts.get(pair.chainPem);
    if (known) return known;
    const context = tls.createSecureContext(settings(pair));
    contexts.set(pair.chainPem, context);
    return context;
  };
  const server = https.createServer(
    {
      ...TIMEOUTS,
      ...settings(await source.current()),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      SNICallback: (name, done) => {
        contextFor(name).then((context) => done(null, context), done);
      },
    },
    handler,
  );
  server.on("tlsClientError", (error) => log.debug("a TLS handshake failed", { error: error.message }));
  void follow(source, signal, log, async () => {
    contexts.clear();
    server.setSecureContext(settings(await source.current()));
  });
  return server;
}

async function follow(
  source: TlsSource,
  signal: AbortSignal,
  log: Logger,
  exchange: () => Promise<void>,
): Promise<void> {
  try {
    for await (const _change of source.changes(signal)) {
      await exchange();
      log.info("the web certificate was exchanged");
    }
  } catch (error) {
    if (!signal.aborted) log.error("the web certificate is no longer followed", { error: errorChain(error) });
  }
}
