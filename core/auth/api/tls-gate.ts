import type { Http2SecureServer, SecureServerOptions } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { errorMessage } from "../../errors/error.js";
import { hostOf } from "../../grammar/address.js";
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
  /** Takes over a connection; `remoteAddress` is `ip:port` of the client, where that is not the socket's peer. */
  accept(socket: Socket, remoteAddress?: string): void;
  /** Ends every connection at once. */
  destroy(): void;
}

/** TLS options of the server behind the gate: a client certificate is asked for, but judged only by the gate. */
export function gateTlsOptions(contexts: TlsContexts): SecureServerOptions {
  return {
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
  };
}

interface Pending {
  readonly socket: Socket;
  readonly remoteAddress: string;
  readonly timer: NodeJS.Timeout;
}

/**
 * Puts a gate before `server`. Each connection is shown to `admits` after its handshake and reaches HTTP only if that
 * returns true, so not a byte is read from a caller who is refused.
 */
export function createTlsGate(options: {
  server: Http2SecureServer;
  contexts: TlsContexts;
  admits: (connection: SecureConnection) => boolean;
  log: Logger;
  limits?: Partial<GateLimits> | undefined;
}): TlsGate {
  const { server, contexts, log } = options;
  const limits = { ...DEFAULT_GATE_LIMITS, ...options.limits };
  const sockets = new Set<Socket>();
  const perHost = new Map<string, number>();
  // In order of arrival: the first one is the oldest. By endpoints, which a TLS socket shares with the raw one below it.
  const pending = new Map<string, Pending>();

  const serve = server.listeners("secureConnection");
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket: TLSSocket) => {
    const key = endpoints(socket);
    const entry = pending.get(key);
    socket.on("error", (error) => logFailure(entry?.remoteAddress, error));
    if (entry && options.admits({ socket, remoteAddress: entry.remoteAddress, admit: () => settle(key) })) {
      for (const listener of serve) Reflect.apply(listener, server, [socket]);
    } else {
      socket.destroy();
    }
  });
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
    logFailure(pending.get(endpoints(socket))?.remoteAddress, error);
    socket.destroy();
  });

  function logFailure(remote: string | undefined, error: unknown): void {
    log.debug("connection failed", { remote, reason: errorMessage(error) });
  }

  function settle(key: string): void {
    clearTimeout(pending.get(key)?.timer);
    pending.delete(key);
  }

  function startPending(key: string, socket: Socket, remoteAddress: string): void {
    const oldest = pending.size >= limits.maxPending ? pending.entries().next().value : undefined;
    if (oldest) {
      settle(oldest[0]);
      oldest[1].socket.destroy();
    }
    const timer = setTimeout(() => socket.destroy(), limits.firstRequestMs);
    pending.set(key, { socket, remoteAddress, timer });
  }

  function count(host: string, change: 1 | -1): number {
    const open = (perHost.get(host) ?? 0) + change;
    if (open > 0) perHost.set(host, open);
    else perHost.delete(host);
    return open;
  }

  return {
    accept(socket, remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`) {
      const host = hostOf(remoteAddress);
      const key = endpoints(socket);
      socket.on("error", (error) => logFailure(remoteAddress, error));
      // Reset before it got here: it has no endpoints any more, and no close event is left to clean up on.
      if (socket.destroyed || socket.remotePort === undefined) {
        socket.destroy();
        return;
      }
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        settle(key);
        count(host, -1);
      });
      if (count(host, 1) > limits.maxPerAddress) {
        log.warn("too many connections from one address", { remote: host, limit: limits.maxPerAddress });
        socket.destroy();
        return;
      }
      startPending(key, socket, remoteAddress);
      socket.setKeepAlive(true, 30_000);
      socket.setNoDelay(true);
      try {
        const defaults = contexts.changedDefaults();
        if (defaults) server.setSecureContext(defaults);
      } catch (error) {
        log.error("the server's certificate cannot be used", { reason: errorMessage(error) });
        socket.destroy();
        return;
      }
      server.emit("connection", socket);
    },
    destroy() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function endpoints(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}
