/** The HTTPS side of the proxy (port 3080). */
import { STATUS_CODES, type RequestListener } from "node:http";
import type net from "node:net";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { AuthApi } from "../../auth/client/api.js";
import { httpStatusOf, publicMessage } from "../../auth/client/error-mapping.js";
import { errorChain, errorMessage } from "../../errors/error.js";
import { schemaless } from "../../http/schemaless.js";
import type { Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { TlsSource } from "../../plugin/tls.js";
import { registerWebApi } from "./api.js";
import { createHttpServer } from "./http-server.js";
import { SECURITY_HEADERS, TRANSPORT_SECURITY } from "./security-headers.js";
import type { AdvertisedAddresses } from "./settings.js";
import { registerSignupPage } from "./signup-page.js";

const BODY_LIMIT_BYTES = 1024 * 1024;
const OUT_OF_ORDER = "the cluster cannot serve this now, try again later; the log of the proxy says why";

/** Statuses for what Node's HTTP parser refuses; 400 for the rest. */
const CLIENT_ERRORS: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

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
  const headers = { ...SECURITY_HEADERS, ...(options.tls ? TRANSPORT_SECURITY : {}) };
  let handle!: RequestListener;
  const http = await createHttpServer(options, (request, response) => {
    // Here and not in a hook: Fastify answers some malformed requests without running its hooks.
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    handle(request, response);
  });
  const app = Fastify({
    ...schemaless,
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, options.log),
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket, headers),
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
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.log));
  app.setNotFoundHandler((_request, reply) =>
    reply.status(404).type("text/plain; charset=utf-8").send("404 page not found\n"),
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

function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): FastifyReply {
  const { status, message } = replyFor(error);
  log[status >= 500 ? "error" : "info"]("a web request failed", {
    path: request.routeOptions.url,
    status,
    error: errorChain(error),
  });
  return reply.status(status).type("application/json").send(JSON.stringify({ message }));
}

/** Fastify's own refusals (malformed JSON, too large) carry a status and a harmless text. */
function replyFor(error: unknown): { status: number; message: string } {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== undefined && statusCode < 500) {
    return { status: statusCode, message: errorMessage(error) };
  }
  const status = httpStatusOf(error);
  // Texts about the servers' own state name disks and addresses: strangers reach this listener.
  return { status, message: status < 500 ? publicMessage(error) : OUT_OF_ORDER };
}

/** Answers what is no HTTP, or dawdled: there is no request that a route could answer. */
function refuseMalformed(
  error: NodeJS.ErrnoException,
  socket: net.Socket,
  headers: Readonly<Record<string, string>>,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = CLIENT_ERRORS[error.code ?? ""] ?? 400;
  const lines = Object.entries({ ...headers, "Connection": "close", "Content-Length": "0" });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n`, () => socket.destroy());
}
