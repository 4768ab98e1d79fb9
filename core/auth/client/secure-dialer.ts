import { X509Certificate } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { accessDenied, errorMessage, hasCode, unavailable, type CodedError } from "../../errors/error.js";
import { systemErrorText } from "../../errors/system-error.js";
import { parseAddress } from "../../grammar/address.js";
import { API_DOMAIN, encodeClusterName } from "../../pki/cluster-sni.js";
import { parseTlsIdentity } from "../../pki/tls-identity.js";
import type { Clock } from "../../plugin/clock.js";
import { type AuthServers } from "./auth-servers.js";
import { checkServerCertificate } from "./server-check.js";
import { staggered } from "./staggered.js";

/** The port of the auth API. */
export const AUTH_PORT = 3025;

/** A client's own certificate with its key. Both are PEM. */
export interface ClientCredentials {
  readonly keyPem: string;
  readonly certPem: string;
}

/** How long a server may take before the next one is tried beside it: one that is stopped accepts, and says nothing. */
const STEP_MS = 750;

/** How to reach an auth server and whom to trust. */
export interface DialOptions {
  /** Tried in turn, starting with the one in use. */
  readonly servers: AuthServers;
  /** Absent: anonymous. */
  readonly credentials?: ClientCredentials | undefined;
  /** PEM of the trusted host authorities, or `unverified`: only to fetch what is then checked by a pin. */
  readonly trust: readonly string[] | "unverified";
  /** Opens a stream to the auth server by other means than TCP to `addresses`, such as an SSH channel. */
  readonly dial?: (() => Promise<Duplex>) | undefined;
  readonly clock: Clock;
  /** For connecting and the handshake, each. */
  readonly timeoutMs: number;
}

/** A connection whose server has been verified. Nothing has been sent over it. */
export interface Dialled {
  readonly socket: TLSSocket;
  /** The address that was dialled; undefined where the way there was given. */
  readonly server: string | undefined;
}

/** Opens a verified connection to any of the servers, or to one of them alone. */
export type SecureDialer = (protocol: "http/1.1" | "h2", only?: string) => Promise<Dialled>;

/**
 * Creates a dialer. It throws `access_denied` where the server cannot be trusted or the own certificate has expired,
 * and `unavailable` where no address answers. A server that cannot be trusted ends the search: going on to the next
 * address would hide it.
 */
export function createSecureDialer(options: DialOptions): SecureDialer {
  const { servers, clock, dial, timeoutMs } = options;
  const serverName = serverNameFor(options.credentials);

  return async (protocol, only) => {
    checkOwnCertificate(options.credentials, clock.now());
    if (dial) return { socket: await secure(await dial(), protocol), server: undefined };
    const addresses = only === undefined ? servers.order : [only];
    if (addresses.length === 0) throw unavailable("no auth server address is known");
    const attempts = addresses.map((server) => ({
      name: server,
      begin: async (signal: AbortSignal) => ({
        socket: await secure(await openTcp(server, timeoutMs, signal), protocol, signal),
        server,
      }),
    }));
    const discard = ({ socket }: Dialled): void => void socket.destroy();
    try {
      const dialled = await staggered(attempts, { stepMs: STEP_MS, clock, discard });
      if (only === undefined) servers.works(dialled.server);
      return dialled;
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      throw unavailable(`no auth server can be reached (${errorMessage(error)})`, { cause: error });
    }
  };

  function secure(stream: Duplex, protocol: "http/1.1" | "h2", signal?: AbortSignal): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({
        // A stream that is no net.Socket is wrapped by Node itself.
        socket: stream,
        servername: serverName,
        ...(options.credentials && { key: options.credentials.keyPem, cert: options.credentials.certPem }),
        minVersion: "TLSv1.2",
        // Verified below, and never through `ca`: see checkServerCertificate.
        rejectUnauthorized: false,
        ...(protocol === "h2" && { ALPNProtocols: ["h2"] }),
      });
      const onAbort = (): void => fail(unavailable("another server was faster"));
      const fail = (error: CodedError): void => {
        signal?.removeEventListener("abort", onAbort);
        clearTimeout(timer);
        socket.destroy();
        stream.destroy();
        reject(error);
      };
      const timer = setTimeout(() => fail(unavailable("the TLS handshake timed out")), timeoutMs);
      socket.on("error", (cause) =>
        fail(unavailable(`the connection failed: ${errorMessage(cause)}`, { cause })),
      );
      socket.once("close", () => fail(unavailable("the server closed the connection")));
      socket.once("secureConnect", () => {
        try {
          if (options.trust !== "unverified") {
            checkServerCertificate(socket.getPeerX509Certificate(), options.trust, serverName, clock.now());
          }
        } catch (error) {
          fail(error as CodedError);
          return;
        }
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        resolve(socket);
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) onAbort();
    });
  }
}

/** The SNI that names the cluster which issued the client's certificate (wire.md §1.6). */
function serverNameFor(credentials: ClientCredentials | undefined): string {
  if (!credentials) return API_DOMAIN;
  return encodeClusterName(parseTlsIdentity(new X509Certificate(credentials.certPem)).issuerCluster);
}

function checkOwnCertificate(credentials: ClientCredentials | undefined, now: Date): void {
  if (!credentials) return;
  const { validTo } = new X509Certificate(credentials.certPem);
  if (now > new Date(validTo)) {
    throw accessDenied(`your certificate expired at ${new Date(validTo).toISOString()}: log in again`);
  }
}

function openTcp(address: string, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  const { host, port } = parseAddress(address, AUTH_PORT);
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    const timer = setTimeout(() => socket.destroy(new Error("connecting timed out")), timeoutMs);
    const onAbort = (): void => void socket.destroy(new Error("another server was faster"));
    const settled = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => {
      settled();
      resolve(socket);
    });
    socket.once("error", (cause) => {
      settled();
      reject(unavailable(systemErrorText(cause) ?? errorMessage(cause), { cause }));
    });
  });
}
