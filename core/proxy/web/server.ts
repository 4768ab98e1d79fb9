/** The HTTPS side of the proxy (port 3080). */
import type { RequestListener } from "node:http";
import type net from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import type { AuthApi } from "../../auth/client/api.js";
import { httpStatusOf, publicMessage } from "../../auth/client/error-mapping.js";
import { errorChain, errorMessage } from "../../errors/error.js";
import { schemaless } from "../../http/schemaless.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { TlsSource } from "../../plugin/tls.js";
import { registerWebApi } from "./api.js";
import { createHttpServer } from "./http-server.js";
import { SECURITY_HEADERS } from "./security-headers.js";
import type { AdvertisedAddresses } from "./settings.js";
import { registerSignupPage } from "./signup-page.js";

const BODY_LIMIT_BYTES = 1024 * 1024;
/** What the web server needs. */
export interface WebProxyOptions {
  readonly api: AuthApi;
  /** Where the certificate comes from; absent where the listener speaks plain HTTP (`--insecure-no-tls`). */
  readonly tls: TlsSource | undefined;
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
  let handle!: RequestListener;
  const http = await createHttpServer(options, (request, response) => handle(request, response));
  const app = Fastify({
    ...schemaless,
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: true,
    serverFactory(handler) {
      handle = handler;
      return http.server;
    },
  });
  configure(app, options);
  await app.ready();

  return {
    accept: (socket) => void http.server.emit("connection", socket),
    async close() {
      http.close();
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
