/** The SSH client: connects over TCP or any stream, checks the host, logs in, and hands over the connection. */
import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { unavailable } from "../errors/error.js";
import { formatAddress } from "../grammar/address.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import { systemClock, type Clock } from "../plugin/clock.js";
import { silentLogger, type Logger } from "../plugin/logger.js";
import { clientHostKeyAlgorithms, resolveAlgorithms } from "./algorithms.js";
import { ClientAuthentication } from "./client-authentication.js";
import { Connection } from "./connection.js";
import type { SshAlgorithms, SshConnection, SshLimits, SshSigner } from "./contract.js";
import { verifyHostKey, type PresentedHost } from "./host-verification.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { DISCONNECT } from "./messages.js";
import { startTimer } from "./timer.js";
import { SshTransport } from "./transport.js";

/** How a client identifies itself where nothing else is said. */
export const CLIENT_IDENT = "SSH-2.0-Teleport";

/** What a client needs to connect. */
export interface SshClientOptions {
  /** A stream, which the client owns from then on, or where to connect by TCP. */
  readonly stream: Duplex | { readonly host: string; readonly port: number };
  readonly user: string;
  /** The keys to try, in order; asked for once the host is verified. */
  readonly signers: () => Promise<readonly SshSigner[]>;
  /** Throws to refuse the host: checks the certificate's authority and principal, or the plain key. */
  readonly verifyHost: (host: PresentedHost) => void;
  readonly algorithms?: SshAlgorithms | undefined;
  readonly ident?: string | undefined;
  readonly log?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /** For the whole way to the end of the login; 30 s by default. */
  readonly timeoutMs?: number | undefined;
  readonly onBanner?: ((text: string) => void) | undefined;
  /** Only rekeying, channels and keepalives concern a client; it sends no keepalives by default. */
  readonly limits?: Partial<SshLimits> | undefined;
  /** What `remoteAddress` says of a stream that is no socket. */
  readonly remoteAddress?: string | undefined;
}

/**
 * Connects and logs in.
 *
 * @throws access_denied where the host was refused, or no key was let in; unavailable where the network or the peer failed;
 * bad_parameter for algorithms that are not supported.
 */
export async function connectSsh(options: SshClientOptions): Promise<SshConnection> {
  const clock = options.clock ?? systemClock;
  const offer = resolveAlgorithms(options.algorithms ?? {});
  const limits: SshLimits = { ...DEFAULT_LIMITS, keepAliveIntervalMs: 0, ...options.limits };
  return new Promise<SshConnection>((resolve, reject) => {
    const { target, stream } = openStream(options.stream);
    let hostCertificate: SshCertificate | undefined;
    const transport = new SshTransport({
      stream,
      ident: options.ident ?? CLIENT_IDENT,
      offer,
      hostKeyAlgorithms: clientHostKeyAlgorithms(offer.allowSha1),
      clock,
      exchangeBegins: (exchange) =>
        verifyHostKey(exchange, (host) => {
          options.verifyHost(host);
          hostCertificate = host.certificate;
        }),
    });
    let connection: Connection | undefined;
    const timeoutMs = options.timeoutMs ?? DEFAULT_LIMITS.loginGraceMs;
    const stopTimer = startTimer(clock, timeoutMs, () => {
      const error = unavailable(`No SSH login at ${target} within ${String(timeoutMs / 1000)} s`);
      transport.disconnect(DISCONNECT.byApplication, "Login took too long", error);
      stream.destroy();
    });
    const authentication = new ClientAuthentication(
      transport,
      {
        user: options.user,
        signers: options.signers,
        allowSha1: offer.allowSha1,
        onBanner: options.onBanner,
      },
      () => {
        stopTimer();
        const { remote, local } = addressesOf(stream);
        const remoteAddress = options.remoteAddress ?? remote ?? target;
        const peer = {
          user: options.user,
          peerCertificate: hostCertificate,
          remoteAddress,
          localAddress: local ?? "",
        };
        connection = new Connection(transport, peer, limits, options.log ?? silentLogger, clock);
        resolve(connection);
      },
      (error) => transport.disconnect(DISCONNECT.noMoreAuthMethods, "No more keys to try", error),
    );
    transport.start({
      ready: () => authentication.start(),
      message: (payload) => (connection ?? authentication).receive(payload),
      writable: () => connection?.writersMayGoOn(),
      closed: (error) => {
        stopTimer();
        if (connection !== undefined) connection.transportClosed(error);
        else
          reject(error ?? unavailable(`The SSH server at ${target} closed the connection before the login`));
      },
    });
  });
}

function openStream(where: SshClientOptions["stream"]): { target: string; stream: Duplex } {
  if ("pipe" in where) return { target: addressesOf(where).remote ?? "the other end", stream: where };
  const stream = connectTcp({ host: where.host, port: where.port, noDelay: true, keepAlive: true });
  return { target: formatAddress(where), stream };
}

function addressesOf(stream: Duplex): { remote: string | undefined; local: string | undefined } {
  const { remoteAddress, remotePort, localAddress, localPort } = stream as Partial<Socket>;
  const format = (host: string | undefined, port: number | undefined): string | undefined =>
    host === undefined || port === undefined ? undefined : formatAddress({ host, port });
  return { remote: format(remoteAddress, remotePort), local: format(localAddress, localPort) };
}
