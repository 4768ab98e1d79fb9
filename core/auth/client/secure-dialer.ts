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
import { checkServerCertificate } from "./server-check.js";

/** The port of the auth API. */
export const AUTH_PORT = 3025;

/** A client's own certificate with its key. Both are PEM. */
export interface ClientCredentials {
  readonly keyPem: string;
  readonly certPem: string;
}

/** How to reach an auth server and whom to trust. */
export interface DialOptions {
  /** Tried in turn, starting with the one that worked last. */
  readonly addresses: readonly string[];
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

/** Opens a connection whose server has been verified. Nothing has been sent over it. */
export type SecureDialer = (protocol: "http/1.1" | "h2") => Promise<TLSSocket>;

/**
 * Creates a dialer. It throws `access_denied` where the server cannot be trusted or the own certificate has expired,
 * and `unavailable` where no address answers. A server that cannot be trusted ends the search: going on to the next
 * address would hide it.
 */
export function createSecureDialer(options: DialOptions): SecureDialer {
  const { addresses, clock, dial, timeoutMs } = options;
  const serverName = serverNameFor(options.credentials);
  let last = 0;

  return async (protocol) => {
    checkOwnCertificate(options.credentials, clock.now());
    if (dial) return secure(await dial(), protocol);
    if (addresses.length === 0) throw unavailable("no auth server address is known");
    const failures: string[] = [];
    for (let i = 0; i < addresses.length; i++) {
      const index = (last + i) % addresses.length;
      try {
        const socket = await secure(await openTcp(addresses[index]!, timeoutMs), protocol);
        last = index;
        return socket;
      } catch (error) {
        if (!hasCode(error, "unavailable")) throw error;
        failures.push(`${addresses[index]}: ${errorMessage(error)}`);
      }
    }
    throw unavailable(`no auth server can be reached (${failures.join("; ")})`);
  };

  function secure(stream: Duplex, protocol: "http/1.1" | "h2"): Promise<TLSSocket> {
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
      const fail = (error: CodedError): void => {
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
        resolve(socket);
      });
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

function openTcp(address: string, timeoutMs: number): Promise<Socket> {
  const { host, port } = parseAddress(address, AUTH_PORT);
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    const timer = setTimeout(() => socket.destroy(new Error("connecting timed out")), timeoutMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once("error", (cause) => {
      clearTimeout(timer);
      reject(unavailable(systemErrorText(cause) ?? errorMessage(cause), { cause }));
    });
  });
}
