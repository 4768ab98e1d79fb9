/**
 * The SSH server: takes streams from whoever listens, authenticates their clients by certificates, and hands over the
 * connections. What strangers do before they have authenticated costs little and touches nobody else.
 */
import type { Duplex } from "node:stream";
import { errorMessage } from "../errors/error.js";
import { hostOf } from "../grammar/address.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { AcceptedClient, type ServerSettings } from "./accepted-client.js";
import { AdmissionControl } from "./admission.js";
import { resolveAlgorithms } from "./algorithms.js";
import type {
  AuthAttempt,
  AuthFailure,
  SshAlgorithms,
  SshConnection,
  SshLimits,
  SshSigner,
} from "./contract.js";
import { DISCONNECT } from "./messages.js";

/** How a server identifies itself where nothing else is said; 4.2's proxies hand client addresses to this name only. */
export const SERVER_IDENT = "SSH-2.0-Teleport";

/** Addresses that are remembered as having been warned of. */
const MAX_UNTRUSTED_PROXIES = 1_000;

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
  readonly #settings: ServerSettings;
  readonly #admission: AdmissionControl;
  readonly #clients = new Set<AcceptedClient>();
  readonly #whenEmpty: (() => void)[] = [];
  readonly #untrustedProxies = new Set<string>();
  #draining = false;

  constructor(options: SshServerOptions) {
    this.#options = options;
    this.#admission = new AdmissionControl(options.limits);
    const offer = resolveAlgorithms(options.algorithms ?? {});
    this.#settings = {
      ident: options.ident ?? SERVER_IDENT,
      offer,
      limits: options.limits,
      policy: {
        authorities: options.authorities,
        certificateType: options.certificateType ?? "user",
        allowSha1: offer.allowSha1,
        maxAuthTries: options.limits.maxAuthTries,
        banner: options.banner,
        authorize: options.authorize,
        failed: options.onAuthFailure,
        clock: options.clock,
      },
      untrustedPrefix: (remote) => this.#warnOfPrefix(hostOf(remote)),
      log: options.log,
      clock: options.clock,
    };
  }

  accept(stream: Duplex, addresses: StreamAddresses): void {
    // Whatever becomes of the stream, its errors must not end the process.
    stream.on("error", () => undefined);
    try {
      this.#accept(stream, addresses);
    } catch (error) {
      const fields = { remote: addresses.remote, error: errorMessage(error) };
      this.#options.log.error("SSH connection not accepted", fields);
      stream.destroy();
    }
  }

  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#clients.size === 0) return;
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
  }

  async close(): Promise<void> {
    const drained = this.drain();
    for (const client of this.#clients) client.end(DISCONNECT.byApplication, "The server is closing");
    await drained;
  }

  /** Once per address: it is a proxy that this server does not know, or somebody who plays one, and comes again. */
  #warnOfPrefix(remote: string): void {
    if (this.#untrustedProxies.has(remote) || this.#untrustedProxies.size >= MAX_UNTRUSTED_PROXIES) return;
    this.#untrustedProxies.add(remote);
    const message =
      "a peer that is no registered proxy hands over client addresses; its connections are refused";
    this.#options.log.warn(message, { remote });
  }

  #accept(stream: Duplex, addresses: StreamAddresses): void {
    const client = new AcceptedClient(stream, addresses, this.#settings, {
      hostSigners: this.#options.hostSigners(),
      trustsProxyPrefix: this.#options.acceptProxyPrefix?.(addresses.remote) === true,
    });
    const admission = this.#admission.admit(hostOf(addresses.remote), () =>
      client.refuse(DISCONNECT.tooManyConnections, "Too many connections that have not logged in; try again"),
    );
    this.#clients.add(client);
    client.start({
      loggedIn: (connection) => {
        admission?.authenticated();
        this.connections.add(connection);
        this.#options.onConnection(connection);
      },
      gone: (connection) => {
        admission?.release();
        this.#clients.delete(client);
        if (connection !== undefined) this.connections.delete(connection);
        if (this.#clients.size === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve();
      },
    });
    if (this.#draining) client.refuse(DISCONNECT.serviceNotAvailable, "The server is shutting down");
    else if (admission === undefined) {
      client.refuse(DISCONNECT.tooManyConnections, "Too many connections from your address");
    }
  }
}
