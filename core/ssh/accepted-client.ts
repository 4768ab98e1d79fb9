/** One client of an SSH server, from the first byte to the last: login first, then a connection. */
import type { Duplex } from "node:stream";
import { errorMessage } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import { SshWriter } from "../pki/ssh-wire.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { serverSignatureAlgorithms, type AlgorithmOffer } from "./algorithms.js";
import { Connection } from "./connection.js";
import type { SshConnection, SshLimits, SshSigner } from "./contract.js";
import { offerHostKeys, type HostKeyOffer } from "./host-keys.js";
import { DISCONNECT, MESSAGE, type DisconnectReason } from "./messages.js";
import { ServerAuthentication, type AuthenticationPolicy } from "./server-authentication.js";
import { StreamHeadReader } from "./stream-head.js";
import { startTimer } from "./timer.js";
import { SshTransport } from "./transport.js";

/** What all clients of a server have in common. */
export interface ServerSettings {
  readonly ident: string;
  readonly offer: AlgorithmOffer;
  readonly limits: SshLimits;
  readonly policy: AuthenticationPolicy;
  /** Told of a peer (`ip:port`) that hands over client addresses and is no trusted proxy. */
  readonly untrustedPrefix: (remote: string) => void;
  readonly log: Logger;
  readonly clock: Clock;
}

/** What the server hears of a client. */
export interface ClientEvents {
  loggedIn(connection: SshConnection): void;
  /** The last event; without a connection where the client never logged in. */
  gone(connection: SshConnection | undefined): void;
}

/** A client that a server has taken on. */
export class AcceptedClient {
  readonly #settings: ServerSettings;
  readonly #transport: SshTransport;
  readonly #hostKeys: HostKeyOffer;
  readonly #localAddress: string;
  #remoteAddress: string;
  #connection: Connection | undefined;
  #stopGrace: () => void = () => undefined;

  constructor(
    stream: Duplex,
    addresses: { readonly remote: string; readonly local: string },
    settings: ServerSettings,
    own: { readonly hostSigners: readonly SshSigner[]; readonly trustsProxyPrefix: boolean },
  ) {
    this.#settings = settings;
    this.#remoteAddress = addresses.remote;
    this.#localAddress = addresses.local;
    this.#hostKeys = offerHostKeys(own.hostSigners, settings.offer.allowSha1);
    const head = new StreamHeadReader(own.trustsProxyPrefix, settings.offer.preferredCiphers, {
      clientAddress: (address) => {
        this.#remoteAddress = address;
      },
      untrustedPrefix: () => settings.untrustedPrefix(addresses.remote),
      preferCiphers: (ciphers) => this.#transport.offerCiphers(ciphers),
    });
    this.#transport = new SshTransport({
      stream,
      ident: settings.ident,
      offer: settings.offer,
      hostKeyAlgorithms: this.#hostKeys.algorithms,
      hostKeys: this.#hostKeys.keys,
      clock: settings.clock,
      prepare: (protocol) => this.#hostKeys.bind(protocol),
      readHead: (chunk) => head.push(chunk),
    });
  }

  /** Sends the identification string and begins to read. */
  start(events: ClientEvents): void {
    const { policy, clock, limits, log } = this.#settings;
    this.#stopGrace = startTimer(clock, limits.loginGraceMs, () =>
      this.refuse(DISCONNECT.serviceNotAvailable, "Login took too long"),
    );
    const addresses = (): { remoteAddress: string; localAddress: string } => ({
      remoteAddress: this.#remoteAddress,
      localAddress: this.#localAddress,
    });
    const loggedIn = (user: string, peerCertificate: SshCertificate): void => {
      this.#stopGrace();
      const peer = { user, peerCertificate, ...addresses() };
      this.#connection = new Connection(this.#transport, peer, limits, log, clock);
      events.loggedIn(this.#connection);
    };
    const authentication = new ServerAuthentication(this.#transport, policy, addresses, loggedIn);
    this.#transport.start({
      ready: () => this.#sendExtensions(),
      message: (payload) => (this.#connection ?? authentication).receive(payload),
      writable: () => this.#connection?.writersMayGoOn(),
      closed: (error) => {
        this.#stopGrace();
        if (this.#connection === undefined && error !== undefined) {
          const fields = { remote: this.#remoteAddress, error: errorMessage(error) };
          log.debug("SSH client left before its login", fields);
        }
        events.gone(this.#connection);
        this.#connection?.transportClosed(error);
      },
    });
  }

  /** Turns the client away with a text for its user, and logs that. */
  refuse(reason: DisconnectReason, text: string): void {
    this.#settings.log.warn("SSH connection refused", { remote: this.#remoteAddress, reason: text });
    this.end(reason, text);
  }

  /** Says goodbye. */
  end(reason: DisconnectReason, text: string): void {
    this.#transport.disconnect(reason, text);
  }

  /** Tells the client which signatures it may use (RFC 8308); it must be the first message after the key exchange. */
  #sendExtensions(): void {
    if (!this.#hostKeys.clientTakesExtensions()) return;
    const info = new SshWriter().byte(MESSAGE.extInfo).uint32(1).string("server-sig-algs");
    this.#transport.send(info.string(serverSignatureAlgorithms(this.#settings.offer.allowSha1)).toBuffer());
  }
}
