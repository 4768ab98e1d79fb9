/** The auth API: REST and gRPC on one TLS port (wire.md §5). This file puts the parts together. */
import type { X509Certificate } from "node:crypto";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import type { Server as NetServer, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Code, ConnectError, createContextKey, createContextValues } from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import Fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { accessDenied, badParameter, errorMessage, internal } from "../../errors/error.js";
import { schemaless } from "../../http/schemaless.js";
import { systemClock, type Clock } from "../../plugin/clock.js";
import type { Logger } from "../../plugin/logger.js";
import type { AuthApi } from "../client/api.js";
import { STALE_HEADER } from "../client/stale-header.js";
import { AuthService } from "../client/messages/gen/auth_pb.js";
import { createGrpcService } from "./grpc.js";
import { verifyPeer, type TrustedAuthority, type VerifiedPeer } from "./peer.js";
import {
  registerRecordingUploads,
  registerSessionJournals,
  registerSessionSlices,
} from "./recording-routes.js";
import { sendError } from "./reply.js";
import { registerRest, rewriteUrl } from "./rest.js";
import { createTlsContexts, type ServerCertificate } from "./tls-contexts.js";
import { createTlsGate, gateTlsOptions, type GateLimits, type SecureConnection } from "./tls-gate.js";

const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
/** Longer than 4.2's clients keep an idle connection (30 s), so that they never send into one that is closing. */
const KEEP_ALIVE_MS = 120_000;

/** What an API server needs. `C` is what the callers of the API are to the auth service. */
export interface ApiServerOptions<C> {
  /** The server's certificate; read at every handshake. */
  readonly tls: () => ServerCertificate;
  /** Authorities of all known clusters; read at every handshake and every request. */
  readonly authorities: () => readonly TrustedAuthority[];
  /**
   * Who calls: `peer` is undefined without a certificate, `remoteAddress` is `ip:port`. Throws `access_denied` for
   * identities that may not use the API, such as a system role from the user authority.
   */
  readonly callerFor: (peer: VerifiedPeer | undefined, remoteAddress: string) => C;
  readonly apiFor: (caller: C) => AuthApi;
  /** The moment whose state replies show, where that is not now. */
  readonly staleSince?: () => Date | undefined;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly limits?: Partial<GateLimits>;
}

/** A running API. It has no listener of its own: a multiplexer may sit in front. */
export interface ApiServer {
  /** Takes over a raw connection; `remoteAddress` (`ip:port`) where the client is not the socket's peer. */
  accept(socket: Socket, remoteAddress?: string): void;
  /** Accepts whatever `server` accepts. */
  listen(server: NetServer): void;
  /** Ends watches and keep-alive streams, finishes the requests under way, and resolves when they are done. */
  drain(): Promise<void>;
  /** Ends everything at once. Idempotent. */
  close(): Promise<void>;
}

interface Connection extends SecureConnection {
  readonly certificate: X509Certificate | undefined;
}

const CONNECTION = Symbol("auth API connection");
const API = createContextKey<AuthApi | undefined>(undefined);

/** Creates the API server. */
export async function createApiServer<C>(options: ApiServerOptions<C>): Promise<ApiServer> {
  const { log, authorities, clock = systemClock } = options;
  const shutdown = new AbortController();
  const sessions = new Set<ServerHttp2Session>();
  const active = new Set<FastifyRequest>();
  const calls = new WeakMap<FastifyRequest, { api: AuthApi; remoteAddress: string }>();
  let whenIdle: (() => void) | undefined;

  const verify = (certificate: X509Certificate): VerifiedPeer =>
    verifyPeer(certificate, authorities(), clock.now());

  const callOf = (request: FastifyRequest): { api: AuthApi; remoteAddress: string } => {
    const call = calls.get(request);
    if (!call) throw internal("the request passed no authentication");
    return call;
  };

  const contexts = createTlsContexts(options.tls, authorities);
  let http: ReturnType<typeof createSecureServer> | undefined;
  const app = Fastify({
    ...schemaless,
    http2: true,
    serverFactory: (handler) => {
      http = createSecureServer({ ...gateTlsOptions(contexts), allowHTTP1: true }, handler);
      return http;
    },
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: 512 },
    rewriteUrl: (request) => rewriteUrl(request.url ?? "/"),
    return503OnClosing: false,
  }) as unknown as FastifyInstance;

  // The one place where callers are told apart. Also open connections are checked again at each request, so an expired
  // certificate or a removed authority ends a caller's access at once.
  app.addHook("onRequest", async (request, reply) => {
    const connection = connectionOf(request);
    connection.admit();
    active.add(request);
    const peer = connection.certificate && verify(connection.certificate);
    const api = options.apiFor(options.callerFor(peer, connection.remoteAddress));
    calls.set(request, { api, remoteAddress: connection.remoteAddress });
    if (shutdown.signal.aborted && request.raw.httpVersionMajor === 1) reply.header("connection", "close");
  });
  const finished = (request: FastifyRequest): void => {
    active.delete(request);
    if (active.size === 0) whenIdle?.();
  };
  app.addHook("onResponse", async (request) => finished(request));
  app.addHook("onRequestAbort", async (request) => finished(request));
  // At the end of a request, since it may be the one that finds the storage away.
  app.addHook("onSend", async (_request, reply) => {
    const since = options.staleSince?.();
    if (since !== undefined) reply.header(STALE_HEADER, since.toISOString());
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, asCoded(error), log));
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type("text/plain").send("404 page not found\n"),
  );

  for (const prefix of ["/v1", "/v2"]) {
    registerRest(app, prefix, callOf);
    registerSessionSlices(app, prefix, (request) => callOf(request).api);
    registerSessionJournals(app, prefix, (request) => callOf(request).api);
    registerRecordingUploads(app, prefix, (request) => callOf(request).api);
  }
  await app.register(fastifyConnectPlugin, {
    connect: false,
    grpcWeb: false,
    readMaxBytes: BODY_LIMIT_BYTES,
    shutdownSignal: shutdown.signal,
    contextValues: (request) => createContextValues().set(API, callOf(request).api),
    routes: (router) =>
      router.service(
        AuthService,
        createGrpcService((context) => {
          const api = context.values.get(API);
          if (!api) throw internal("the request passed no authentication");
          return api;
        }),
      ),
  });
  await app.ready();
  const server = http;
  if (!server) throw internal("fastify made no server");
  // HTTP/1.1 settings, which the type of a server for both protocols does not name.
  Object.assign(server, { keepAliveTimeout: KEEP_ALIVE_MS });
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", (error) => log.debug("HTTP/2 connection failed", { reason: errorMessage(error) }));
  });

  const gate = createTlsGate({
    server,
    contexts,
    log,
    limits: options.limits,
    admits(secure) {
      const certificate = secure.socket.getPeerX509Certificate();
      try {
        if (certificate) verify(certificate);
      } catch (error) {
        log.warn("client certificate refused", { remote: secure.remoteAddress, reason: errorMessage(error) });
        return false;
      }
      const connection: Connection = { ...secure, certificate };
      Object.assign(secure.socket, { [CONNECTION]: connection });
      return true;
    },
  });

  const accept = (socket: Socket, remoteAddress?: string): void => {
    if (shutdown.signal.aborted) socket.destroy();
    else gate.accept(socket, remoteAddress);
  };
  return {
    accept,
    listen(listener) {
      listener.on("connection", (socket) => accept(socket));
    },
    async drain() {
      shutdown.abort(new ConnectError("the auth server is restarting", Code.Unavailable));
      for (const session of sessions) session.close();
      if (active.size > 0) await new Promise<void>((resolve) => (whenIdle = resolve));
    },
    async close() {
      shutdown.abort(new ConnectError("the auth server is stopping", Code.Unavailable));
      gate.destroy();
      await app.close();
    },
  };
}

/** The connection behind a request; of HTTP/2 requests, Node shows the socket through a proxy object. */
function connectionOf(request: FastifyRequest): Connection {
  const { [CONNECTION]: connection } = request.raw.socket as TLSSocket & { [CONNECTION]?: Connection };
  if (!connection) throw accessDenied("the connection passed no authentication");
  return connection;
}

/** Fastify's own complaints (malformed JSON, too large a body) carry a status instead of a code of ours. */
function asCoded(error: unknown): unknown {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" && status >= 400 && status < 500
    ? badParameter(errorMessage(error), { cause: error })
    : error;
}
