import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";
import { errorMessage, unavailable } from "../../errors/error.js";
import { API_DOMAIN } from "../../pki/cluster-sni.js";
import type { AuthServers } from "./auth-servers.js";
import type { SecureDialer } from "./secure-dialer.js";

type SessionManager = NonNullable<GrpcTransportOptions["sessionManager"]>;

interface PingTimes {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** As clients of 4.2 do (wire.md §0.4). */
const PATIENT: PingTimes = { intervalMs: 60_000, timeoutMs: 20_000 };
/** Where there is another server to turn to. */
const WATCHFUL: PingTimes = { intervalMs: 5_000, timeoutMs: 3_000 };
/** Silence at the start of a call after which the connection is checked, and for how long. */
const SILENCE_MS = 500;
const CALL_PING_TIMEOUT_MS = 1_500;

/** One HTTP/2 connection for all gRPC calls: opened over the dialer when needed, checked by pings, and replaced. */
export class GrpcSession implements SessionManager {
  readonly authority = `https://${API_DOMAIN}`;
  readonly #dialer: SecureDialer;
  readonly #servers: AuthServers;
  #session: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(dialer: SecureDialer, servers: AuthServers) {
    this.#dialer = dialer;
    this.#servers = servers;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream> {
    const session = await this.#open();
    const stream = session.request({ ...headers, ":method": method, ":path": path }, options);
    if (this.#servers.hasOthers) checkWhenSilent(session, stream);
    return stream;
  }

  /** Pings tell whether the connection lives; reads need not. */
  notifyResponseByteRead(): void {}

  /** Ends all calls. */
  close(): void {
    this.#closed = true;
    this.#session?.then(
      (session) => session.destroy(),
      () => undefined,
    );
  }

  #open(): Promise<ClientHttp2Session> {
    if (this.#closed) throw unavailable("the client is closed");
    if (this.#session === undefined) {
      const opening: Promise<ClientHttp2Session> = this.#connect(() => {
        if (this.#session === opening) this.#session = undefined;
      });
      this.#session = opening;
    }
    return this.#session;
  }

  /** A session that breaks off, or is told to go, makes the others be tried first; a lost server breaks off its own. */
  #leaveWhenLost(session: ClientHttp2Session, server: string): void {
    const unsubscribe = this.#servers.onLost((lost) => {
      if (lost === server) session.destroy(unavailable(`the auth server ${server} does not answer any more`));
    });
    const failed = (): void => {
      if (!this.#closed) this.#servers.failed(server);
    };
    session.once("goaway", failed);
    session.once("close", () => {
      unsubscribe();
      failed();
    });
  }

  async #connect(forget: () => void): Promise<ClientHttp2Session> {
    // A connection that cannot even be begun is forgotten only once it is known.
    await Promise.resolve();
    try {
      const { socket, server } = await this.#dialer("h2");
      if (socket.alpnProtocol !== "h2") {
        socket.destroy();
        throw unavailable("the server does not speak gRPC: is it an auth server?");
      }
      const session = connect(this.authority, { createConnection: () => socket });
      // Streams report their own errors; this keeps the connection's from ending the process.
      session.on("error", forget);
      session.once("goaway", forget);
      session.once("close", forget);
      keepChecked(session, this.#servers.hasOthers ? WATCHFUL : PATIENT);
      if (server !== undefined) this.#leaveWhenLost(session, server);
      return session;
    } catch (error) {
      forget();
      throw error;
    }
  }
}

/** Destroys a session whose server does not answer pings: a host that vanished sends nothing, not even a reset. */
function keepChecked(session: ClientHttp2Session, { intervalMs, timeoutMs }: PingTimes): void {
  const interval = setInterval(() => check(session, timeoutMs), intervalMs);
  interval.unref();
  session.once("close", () => clearInterval(interval));
}

/** Checks once while a call waits for its first answer. */
function checkWhenSilent(session: ClientHttp2Session, stream: ClientHttp2Stream): void {
  const timer = setTimeout(() => check(session, CALL_PING_TIMEOUT_MS), SILENCE_MS);
  timer.unref();
  const stop = (): void => clearTimeout(timer);
  stream.once("response", stop);
  stream.once("close", stop);
}

function check(session: ClientHttp2Session, timeoutMs: number): void {
  if (session.destroyed) return;
  const timer = setTimeout(() => {
    session.destroy(unavailable("the auth server does not answer pings"));
  }, timeoutMs);
  timer.unref();
  session.ping((error) => {
    clearTimeout(timer);
    if (error && !session.destroyed) session.destroy(unavailable(`ping failed: ${errorMessage(error)}`));
  });
}
