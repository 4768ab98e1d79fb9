/**
 * The SSH server: takes streams from whoever listens, authenticates their clients by certificates, and hands over the
 * connections. What strangers do before they have authenticated costs little and touches nobody else.
 */
import type { Duplex } from "node:stream";
import { badParameter, errorMessage } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import { SshWriter } from "../pki/ssh-wire.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { AdmissionControl } from "./admission.js";
import { resolveAlgorithms, serverSignatureAlgorithms, type AlgorithmOffer } from "./algorithms.js";
import { Connection } from "./connection.js";
import type {
  AuthAttempt,
  AuthFailure,
  SshAlgorithms,
  SshConnection,
  SshLimits,
  SshSigner,
} from "./contract.js";
import { offerHostKeys } from "./host-keys.js";
import { DISCONNECT, MESSAGE, type DisconnectReason } from "./messages.js";
import { ProxyPrefixReader } from "./proxy-prefix.js";
import { ServerAuthentication } from "./server-authentication.js";
import { startTimer } from "./timer.js";
import { SshTransport } from "./transport.js";

/** How a server identifies itself where nothing else is said; 4.2's proxies hand client addresses to this name only. */
export const SERVER_IDENT = "SSH-2.0-Teleport";

/** What an SSH server needs. */
export interface SshServerOptions {
  /** Asked once per connection, so that a rotated certificate is presented to the next client. */
  readonly hostSigners: () => readonly SshSigner[];
  readonly ident?: string | undefined;
  readonly algorithms?: SshAlgorithms | undefined;
  readonly limits: SshLimits;
  /** Text shown to every client before its login. */
  readonly banner?: string | undefined;
  /** Public blobs of the authorities whose certificates get in. */
  readonly authorities: () => readonly Buffer[];
  /** Which certificates get in: those of users (default), or those of hosts, at a tunnel server. */
  readonly certificateType?: "user" | "host" | undefined;
  /** Throws `access_denied` to refuse a client whose certificate is good. Its reason is reported, not shown. */
  readonly authorize?: ((attempt: AuthAttempt) => void | Promise<void>) | undefined;
  readonly onAuthFailure?: ((failure: AuthFailure) => void) | undefined;
  /** Must set its channel and request handlers before it returns. */
  readonly onConnection: (connection: SshConnection) => void;
  readonly log: Logger;
  readonly clock: Clock;
  /** Whether a peer (`ip:port`) may tell the client's address by a `Teleport-Proxy` prefix; nobody may by default. */
  readonly acceptProxyPrefix?: ((socketRemote: string) => boolean) | undefined;
}

/** The two ends of an accepted stream, as `ip:port`. */
export interface StreamAddresses {
  readonly remote: string;
  readonly local: string;
}

/** A running SSH server. */
export interface SshServer {
  /** Takes a stream, which the server owns from then on. */
  accept(stream: Duplex, addresses: StreamAddresses): void;
  /** Those that have authenticated. */
  readonly connections: ReadonlySet<SshConnection>;
  /** Refuses new streams, and resolves when the last connection has ended. */
  drain(): Promise<void>;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Makes a server. Throws `bad_parameter` for algorithms that are not supported. */
export function createSshServer(options: SshServerOptions): SshServer {
  return new Server(options);
}

class Server implements SshServer {
  readonly connections = new Set<SshConnection>();
  readonly #options: SshServerOptions;
  readonly #offer: AlgorithmOffer;
  readonly #admission: AdmissionControl;
  readonly #transports = new Set<SshTransport>();
  readonly #whenEmpty: (() => void)[] = [];
  #draining = false;

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#offer = resolveAlgorithms(options.algorithms ?? {});
    this.#admission = new AdmissionControl(options.limits);
  }

  accept(stream: Duplex, addresses: StreamAddresses): void {
    // Whatever becomes of the stream, its errors must not end the process.
    stream.on("error", () => undefined);
    try {
      this.#accept(stream, addresses);
    } catch (error) {
      this.#options.log.error("SSH connection not accepted", {
        remote: addresses.remote,
        error: errorMessage(error),
      });
      stream.destroy();
    }
  }

  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#transports.size === 0) return;
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  async close(): Promise<void> {
    const drained = this.drain();
    for (const transport of this.#transports)
      transport.disconnect(DISCONNECT.byApplication, "The server is closing");
    await drained;
  }

  #accept(stream: Duplex, addresses: StreamAddresses): void {
    const { log, clock, limits } = this.#options;
    const hostKeys = offerHostKeys(this.#options.hostSigners(), this.#offer.allowSha1);
    let remoteAddress = addresses.remote;
    const prefix =
      this.#options.acceptProxyPrefix?.(addresses.remote) === true ? new ProxyPrefixReader() : undefined;
    const transport = new SshTransport({
      stream,
      ident: this.#options.ident ?? SERVER_IDENT,
      offer: this.#offer,
      hostKeyAlgorithms: hostKeys.algorithms,
      hostKeys: hostKeys.keys,
      clock,
      prepare: (protocol) => hostKeys.bind(protocol),
      readHead: (chunk) => {
        if (prefix === undefined) return checkNoPrefix(chunk);
        const head = prefix.push(chunk);
        remoteAddress = head?.clientAddress ?? remoteAddress;
        return head?.rest;
      },
    });
    const refuse = (reason: DisconnectReason, text: string): void => {
      log.warn("SSH connection refused", { remote: remoteAddress, reason: text });
      transport.disconnect(reason, text);
    };
    const admission = this.#admission.admit(hostOf(addresses.remote), () =>
      refuse(DISCONNECT.tooManyConnections, "Too many connections that have not logged in; try again"),
    );
    const stopGrace = startTimer(clock, limits.loginGraceMs, () =>
      refuse(DISCONNECT.byApplication, "Login took too long"),
    );
    let connection: Connection | undefined;
    const authentication = new ServerAuthentication(
      transport,
      {
        authorities: this.#options.authorities,
        certificateType: this.#options.certificateType ?? "user",
        allowSha1: this.#offer.allowSha1,
        maxAuthTries: limits.maxAuthTries,
        banner: this.#options.banner,
        authorize: this.#options.authorize,
        failed: this.#options.onAuthFailure,
        clock,
      },
      () => ({ remoteAddress, localAddress: addresses.local }),
      (user: string, certificate: SshCertificate) => {
        stopGrace();
        admission?.authenticated();
        const peer = { user, peerCertificate: certificate, remoteAddress, localAddress: addresses.local };
        connection = new Connection(transport, peer, limits, log, clock);
        this.connections.add(connection);
        this.#options.onConnection(connection);
      },
    );
    this.#transports.add(transport);
    transport.start({
      ready: () => {
        if (hostKeys.clientTakesExtensions()) transport.send(extensionInfo(this.#offer.allowSha1));
      },
      message: (payload) => (connection ?? authentication).receive(payload),
      writable: () => connection?.writersMayGoOn(),
      closed: (error) => {
        stopGrace();
        admission?.release();
        this.#transports.delete(transport);
        if (connection !== undefined) {
          this.connections.delete(connection);
          connection.transportClosed(error);
        } else if (error !== undefined) {
          log.debug("SSH client left before its login", {
            remote: remoteAddress,
            error: errorMessage(error),
          });
        }
        if (this.#transports.size === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve();
      },
    });
    if (this.#draining) refuse(DISCONNECT.byApplication, "The server is shutting down");
    else if (admission === undefined)
      refuse(DISCONNECT.tooManyConnections, "Too many connections from your address");
  }
}

/** Says why a prefix is refused, instead of a bare protocol error. */
function checkNoPrefix(chunk: Buffer): Buffer {
  if (chunk.subarray(0, 14).toString("latin1") === "Teleport-Proxy") {
    throw badParameter("a client address was handed over by a peer that is no trusted proxy");
  }
  return chunk;
}

function extensionInfo(allowSha1: boolean): Buffer {
  const info = new SshWriter().byte(MESSAGE.extInfo).uint32(1).string("server-sig-algs");
  return info.string(serverSignatureAlgorithms(allowSha1)).toBuffer();
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, "");
}
