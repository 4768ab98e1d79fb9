/** The HTTPS side of the proxy (port 3080). */
import https from "node:https";
import type net from "node:net";
import tls from "node:tls";
import Fastify, { type FastifyInstance } from "fastify";
import type { AuthApi } from "../../auth/client/api.js";
import { httpStatusOf, publicMessage } from "../../auth/client/error-mapping.js";
import { errorChain, errorMessage } from "../../errors/error.js";
import { schemaless } from "../../http/schemaless.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { KeyPair, TlsSource } from "../../plugin/tls.js";
import { registerWebApi } from "./api.js";
import { SECURITY_HEADERS } from "./security-headers.js";
import type { AdvertisedAddresses } from "./settings.js";
import { registerSignupPage } from "./signup-page.js";

const BODY_LIMIT_BYTES = 1024 * 1024;
/** A client that dawdles over its TLS handshake or its headers is dropped. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** What the web server needs. */
export interface WebProxyOptions {
  readonly api: AuthApi;
  readonly tls: TlsSource;
  readonly addresses: AdvertisedAddresses;
  /** OpenSSL names of the allowed cipher suites; the defaults when absent. */
  readonly cipherSuites?: string | undefined;
  readonly log: Logger;
  readonly clock: Clock;
}

/** The running web server. */
export interface WebProxy {
  /** Serves one accepted connection. */
  accept(socket: net.Socket): void;
  close(): Promise<void>;
}

/** Starts the web server; the caller owns the listener. */
export async function createWebProxy(options: WebProxyOptions): Promise<WebProxy> {
  const { log } = options;
  const contexts = createContexts(options);
  // Fails now, with a reason, rather than at the first handshake.
  await contexts.forName(undefined);
  let server!: https.Server;
  const app = Fastify({
    ...schemaless,
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: true,
    serverFactory(handler) {
      server = https.createServer(
        {
          minVersion: "TLSv1.2",
          handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
          headersTimeout: HEADERS_TIMEOUT_MS,
          requestTimeout: REQUEST_TIMEOUT_MS,
          SNICallback: (name, done) => {
            contexts.forName(name).then((context) => done(null, context), done);
          },
        },
        handler,
      );
      return server;
    },
  });
  configure(app, options);
  await app.ready();
  const initial = await contexts.pair();
  server.setSecureContext(initial);
  server.on("tlsClientError", (error) => log.debug("a TLS handshake failed", { error: error.message }));

  const stop = new AbortController();
  void followChanges(options, contexts, server, stop.signal);

  return {
    accept: (socket) => void server.emit("connection", socket),
    async close() {
      stop.abort();
      server.closeAllConnections();
      await app.close();
    },
  };
}

function configure(app: FastifyInstance, options: WebProxyOptions): void {
  app.addHook("onSend", async (_request, reply) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) reply.header(name, value);
  });
  app.setErrorHandler((error, request, reply) => {
    const { statusCode } = error as { statusCode?: number };
    // Fastify's own refusals (malformed JSON, too large) carry a status and a harmless text.
    const answer =
      statusCode !== undefined && statusCode < 500
        ? { status: statusCode, message: errorMessage(error) }
        : { status: httpStatusOf(error), message: publicMessage(error) };
    const level = answer.status >= 500 ? "error" : "info";
    options.log[level]("a web request failed", {
      path: request.routeOptions.url,
      status: answer.status,
      error: errorChain(error),
    });
    return reply.status(answer.status).send({ message: answer.message });
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.status(404).type("text/plain").send("404 page not found\n"),
  );
  app.get("/", (_request, reply) => reply.redirect("/web", 302));
  app.get("/web", (_request, reply) =>
    reply
      .type("text/plain; charset=utf-8")
      .send("Teleport proxy. Log in with: tsh login --proxy=<this address>\n"),
  );
  registerWebApi(app, options);
  registerSignupPage(app);
}

interface Contexts {
  forName(name: string | undefined): Promise<tls.SecureContext>;
  pair(): Promise<{ key: string; cert: string }>;
  clear(): void;
}

/** TLS contexts by server name, made once per pair: parsing a key for every handshake would be slow. */
function createContexts(options: WebProxyOptions): Contexts {
  const byPair = new Map<string, tls.SecureContext>();
  const current = async (name: string | undefined): Promise<KeyPair> => options.tls.current(name);
  return {
    async forName(name) {
      const pair = await current(name);
      const known = byPair.get(pair.chainPem);
      if (known) return known;
      const context = tls.createSecureContext({
        key: pair.keyPem,
        cert: pair.chainPem,
        minVersion: "TLSv1.2",
        ...(options.cipherSuites ? { ciphers: options.cipherSuites } : {}),
      });
      byPair.set(pair.chainPem, context);
      return context;
    },
    async pair() {
      const pair = await current(undefined);
      return { key: pair.keyPem, cert: pair.chainPem };
    },
    clear: () => byPair.clear(),
  };
}

async function followChanges(
  options: WebProxyOptions,
  contexts: Contexts,
  server: https.Server,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const _change of options.tls.changes(signal)) {
      contexts.clear();
      server.setSecureContext({ ...(await contexts.pair()), minVersion: "TLSv1.2" });
      options.log.info("the web certificate was exchanged");
    }
  } catch (error) {
    if (!signal.aborted)
      options.log.error("the web certificate is no longer followed", { error: errorChain(error) });
  }
}
