/** The network transport of the typed interface: REST over HTTP/1.1 and gRPC over HTTP/2, both with mutual TLS. */
import type { Duplex } from "node:stream";
import { systemClock, type Clock } from "../../plugin/clock.js";
import type { AuthApi } from "./api.js";
import { AuthServers } from "./auth-servers.js";
import { createGrpcApi } from "./grpc-api.js";
import { GrpcSession } from "./grpc-session.js";
import { createHttpClient } from "./http-client.js";
import { createRestApi } from "./rest-api.js";
import { createSecureDialer, type ClientCredentials } from "./secure-dialer.js";

/** Where the auth servers are, who calls, and whom to trust. */
export interface ConnectAuthOptions {
  /** `host:port` of the auth servers; the port may be left out. One works for as long as it answers. */
  readonly addresses: readonly string[] | AuthServers;
  /** The caller's certificate; absent for the few calls that need none. */
  readonly credentials?: ClientCredentials | undefined;
  /** PEM of the trusted TLS host authorities. Without any, no server is trusted. */
  readonly authorities?: readonly string[] | undefined;
  /** Opens a stream to an auth server by other means than TCP to `addresses`, such as an SSH channel. */
  readonly dial?: (() => Promise<Duplex>) | undefined;
  /** Bounds connecting, and the silence of the server during a call; 30 s when absent. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Connects to the auth service. Connections are opened when first needed and kept; the server is verified before
 * anything is sent. Reads, and changes that may be repeated, are tried again while the service is `unavailable`, at
 * another server where there are several; other calls are sent once. A server that is stopped is left within seconds.
 */
export function connectAuth(options: ConnectAuthOptions): AuthApi {
  const { clock = systemClock, timeoutMs = 30_000 } = options;
  const { addresses } = options;
  const servers = addresses instanceof AuthServers ? addresses : new AuthServers(addresses);
  const dialer = createSecureDialer({
    servers,
    credentials: options.credentials,
    trust: options.authorities ?? [],
    dial: options.dial,
    clock,
    timeoutMs: Math.min(timeoutMs, 10_000),
  });
  const http = createHttpClient({ dialer, servers, clock, timeoutMs, retry: true });
  const session = new GrpcSession(dialer, servers);
  return {
    ...createRestApi(http),
    ...createGrpcApi({ session, clock, timeoutMs }),
    async close() {
      http.close();
      session.close();
    },
  };
}
