import type { Duplex } from "node:stream";
import type { Http2SecureServer } from "node:http2";
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { errorMessage } from "../../errors/error.js";
import type { Logger } from "../../plugin/logger.js";
import type { TlsContexts } from "./tls-contexts.js";

/** Bounds that keep clients who never finish a handshake or a request from costing anything. */
export interface GateLimits {
  /** From accepting a connection to its first request. */
  readonly firstRequestMs: number;
  /** Connections that have not made a request yet; the oldest is closed for a new one. */
  readonly maxPending: number;
  /** Connections from one address. */
  readonly maxPerAddress: number;
}

/** 15,000 connections per address is the limit of 4.2. */
export const DEFAULT_GATE_LIMITS: GateLimits = {
  firstRequestMs: 30_000,
  maxPending: 2_000,
  maxPerAddress: 15_000,
};

/** A connection whose handshake is done. */
export interface SecureConnection {
  readonly socket: TLSSocket;
  /** `ip:port` of the client. */
  readonly remoteAddress: string;
  /** Tells that a request has arrived: the connection is no longer pending. */
  admit(): void;
}

/** The front of the API: takes raw connections through TLS. */
export interface TlsGate {
  /** Takes over a connection; `remoteAddress` is `ip:port` of the client. */
  accept(stream: Duplex, remoteAddress: string): void;
  /** Ends every connection at once. */
  destroy(): void;
}

/**
 * Creates the front. A client certificate is asked for but not required, and not judged here: `onSecure` does that,
 * and destroys a connection it refuses before a byte of HTTP is read from it.
 */
export function createTlsGate(options: {
  contexts: TlsContexts;
  /** The HTTP server that will serve these connections; Node expects every TLS socket to know its own. */
  server: Http2SecureServer;
  onSecure: (connection: SecureConnection) => void;
  log: Logger;
  limits?: Partial<GateLimits> | undefined;
}): TlsGate {
  const { contexts, server, log } = options;
  const limits = { ...DEFAULT_GATE_LIMITS, ...options.limits };
  const streams = new Set<Duplex>();
  const perHost = new Map<string, number>();
  // In order of arrival: the first one is the oldest.
  const pending = new Map<Duplex, NodeJS.Timeout>();

  function settle(stream: Duplex): void {
    clearTimeout(pending.get(stream));
    pending.delete(stream);
  }

  function startPending(stream: Duplex): void {
    const oldest = pending.size >= limits.maxPending ? pending.keys().next().value : undefined;
    if (oldest) {
      settle(oldest);
      oldest.destroy();
    }
    pending.set(
      stream,
      setTimeout(() => stream.destroy(), limits.firstRequestMs),
    );
  }

  function count(host: string, change: 1 | -1): number {
    const open = (perHost.get(host) ?? 0) + change;
    if (open > 0) perHost.set(host, open);
    else perHost.delete(host);
    return open;
  }

  return {
    accept(stream, remoteAddress) {
      const host = remoteAddress.replace(/:\d+$/, "");
      const onError = (error: unknown): void =>
        log.debug("connection failed", { remote: remoteAddress, reason: errorMessage(error) });
      stream.on("error", onError);
      streams.add(stream);
      stream.once("close", () => {
        streams.delete(stream);
        settle(stream);
        count(host, -1);
      });
      if (count(host, 1) > limits.maxPerAddress) {
        log.warn("too many connections from one address", { remote: host, limit: limits.maxPerAddress });
        stream.destroy();
        return;
      }
      startPending(stream);
      if (stream instanceof Socket) {
        stream.setKeepAlive(true, 30_000);
        stream.setNoDelay(true);
      }
      const socket = secure(stream, contexts, server);
      socket.on("error", onError);
      socket.on("_tlsError", (error: unknown) => {
        onError(error);
        stream.destroy();
      });
      socket.once("secure", () => {
        options.onSecure({ socket, remoteAddress, admit: () => settle(stream) });
      });
    },
    destroy() {
      for (const stream of streams) stream.destroy();
    },
  };
}

/** The server's side of TLS on one connection, with the contexts of this moment. */
function secure(stream: Duplex, contexts: TlsContexts, server: Http2SecureServer): TLSSocket {
  return new TLSSocket(stream as Socket, {
    isServer: true,
    server,
    // What clients that send no server name get.
    secureContext: contexts.forName(""),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2", "http/1.1"],
    SNICallback: (name, callback) => {
      try {
        callback(null, contexts.forName(name));
      } catch (error) {
        callback(error as Error);
      }
    },
  });
}
