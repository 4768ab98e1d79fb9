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
import type { SecureDialer } from "./secure-dialer.js";

type SessionManager = NonNullable<GrpcTransportOptions["sessionManager"]>;

/** As clients of 4.2 do (wire.md §0.4). */
const PING_INTERVAL_MS = 60_000;
const PING_TIMEOUT_MS = 20_000;

/** One HTTP/2 connection for all gRPC calls: opened over the dialer when needed, checked by pings, and replaced. */
export class GrpcSession implements SessionManager {
  readonly authority = `https://${API_DOMAIN}`;
  readonly #dialer: SecureDialer;
  #session: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(dialer: SecureDialer) {
    this.#dialer = dialer;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: Omit<ClientSessionRequestOptions, "signal">,
  ): Promise<ClientHttp2Stream> {
    const session = await this.#open();
    return session.request({ ...headers, ":method": method, ":path": path }, options);
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
    this.#session ??= this.#connect();
    return this.#session;
  }

  async #connect(): Promise<ClientHttp2Session> {
    const forget = (): void => {
      this.#session = undefined;
    };
    try {
      const socket = await this.#dialer("h2");
      if (socket.alpnProtocol !== "h2") {
        socket.destroy();
        throw unavailable("the server does not speak gRPC: is it an auth server?");
      }
      const session = connect(this.authority, { createConnection: () => socket });
      // Streams report their own errors; this keeps the connection's from ending the process.
      session.on("error", forget);
      session.once("goaway", forget);
      session.once("close", forget);
      keepChecked(session);
      return session;
    } catch (error) {
      forget();
      throw error;
    }
  }
}

/** Destroys a session whose server does not answer pings: a host that vanished sends nothing, not even a reset. */
function keepChecked(session: ClientHttp2Session): void {
  const interval = setInterval(() => {
    const timer = setTimeout(() => {
      session.destroy(new Error("the auth server does not answer pings"));
    }, PING_TIMEOUT_MS);
    session.ping((error) => {
      clearTimeout(timer);
      if (error && !session.destroyed) session.destroy(new Error(`ping failed: ${errorMessage(error)}`));
    });
  }, PING_INTERVAL_MS);
  interval.unref();
  session.once("close", () => clearInterval(interval));
}
