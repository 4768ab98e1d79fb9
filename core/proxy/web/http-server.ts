/** The HTTP server under the web routes: with TLS from a certificate source, or plain for `--insecure-no-tls`. */
import http from "node:http";
import https from "node:https";
import type net from "node:net";
import tls from "node:tls";
import { errorChain } from "../../errors/error.js";
import type { Logger } from "../../plugin/logger.js";
import type { KeyPair, TlsSource } from "../../plugin/tls.js";

/** A client that dawdles over its TLS handshake, its headers or its request is dropped. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUTS: RequestTimeouts = { headersMs: 15_000, requestMs: 60_000, checkMs: 5_000 };
const MIN_VERSION = "TLSv1.2";

/** How long a client may take. */
export interface RequestTimeouts {
  /** From the connection, or the end of the request before, to the end of the headers. */
  readonly headersMs: number;
  /** The same to the end of the body. */
  readonly requestMs: number;
  /** How often connections are looked at: a time-out may come this much late. */
  readonly checkMs: number;
}

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
  /** Other time-outs than the usual ones. */
  readonly timeouts?: RequestTimeouts | undefined;
}

/** Makes a server. Throws what the certificate source throws, rather than at the first handshake. */
export async function createHttpServer(
  options: HttpServerOptions,
  handler: http.RequestListener,
): Promise<HttpServer> {
  const stop = new AbortController();
  const { headersMs, requestMs, checkMs } = options.timeouts ?? REQUEST_TIMEOUTS;
  const timeouts: http.ServerOptions = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
  };
  const server = options.tls
    ? await createTlsServer(options, options.tls, timeouts, handler, stop.signal)
    : http.createServer(timeouts, handler);
  // Node watches over the time-outs of its connections from this event on; nothing else is bound to it.
  server.emit("listening");
  // Node's own list lacks those that are still at their TLS handshake.
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return {
    server,
    close() {
      stop.abort();
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function createTlsServer(
  options: HttpServerOptions,
  source: TlsSource,
  timeouts: http.ServerOptions,
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
  /** The context for a name, or undefined for the server's own where the source has none that can be used. */
  const contextFor = async (name: string): Promise<tls.SecureContext | undefined> => {
    try {
      const pair = await source.current(name);
      const known = contexts.get(pair.chainPem);
      if (known) return known;
      const context = tls.createSecureContext(settings(pair));
      contexts.set(pair.chainPem, context);
      return context;
    } catch (error) {
      log.debug("the default certificate is shown", { name, error: errorChain(error) });
      return undefined;
    }
  };
  const server = https.createServer(
    {
      ...timeouts,
      ...settings(await source.current()),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      SNICallback: (name, done) => {
        void contextFor(name).then((context) => done(null, context));
      },
    },
    handler,
  );
  server.on("tlsClientError", (error) => log.debug("a TLS handshake failed", { error: error.message }));
  void follow(source, signal, log, async () => {
    server.setSecureContext(settings(await source.current()));
    contexts.clear();
  });
  return server;
}

/** Exchanges the certificate after every change. One that cannot be used leaves the old one serving. */
async function follow(
  source: TlsSource,
  signal: AbortSignal,
  log: Logger,
  exchange: () => Promise<void>,
): Promise<void> {
  try {
    for await (const _change of source.changes(signal)) {
      try {
        await exchange();
        log.info("the web certificate was exchanged");
      } catch (error) {
        log.error("the new web certificate cannot be used; the old one stays", { error: errorChain(error) });
      }
    }
  } catch (error) {
    if (!signal.aborted) log.error("the web certificate is no longer followed", { error: errorChain(error) });
  }
}
