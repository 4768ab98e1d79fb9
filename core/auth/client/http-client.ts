import { setMaxListeners } from "node:events";
import {
  Agent,
  type AgentOptions,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from "node:http";
import type { Duplex } from "node:stream";
import {
  CodedError,
  errorMessage,
  hasCode,
  internal,
  notImplemented,
  unavailable,
} from "../../errors/error.js";
import type { Clock } from "../../plugin/clock.js";
import { API_DOMAIN } from "../../pki/cluster-sni.js";
import type { AuthServers } from "./auth-servers.js";
import { errorFromHttp } from "./error-mapping.js";
import { withRetries } from "./retry.js";
import type { SecureDialer } from "./secure-dialer.js";
import { ServerWatch } from "./server-watch.js";

/** Largest reply that is read into memory: a chunk of a recording is 5 MiB, long lists may be more. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** Shorter than the servers keep idle connections, so that a request never goes into one that is being closed. */
const IDLE_CONNECTION_MS = 15_000;

/** A request to the REST API. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path with query. */
  readonly path: string;
  /** Sending it twice does no more than once: it is sent again where the answer was lost. GET and DELETE always are. */
  readonly idempotent?: boolean | undefined;
  /** The only server that can take it; any when absent. */
  readonly server?: string | undefined;
  /** JSON is for objects; bytes and streams go out as they are. */
  readonly body?:
    { json: unknown } | { bytes: Uint8Array } | { stream: AsyncIterable<Uint8Array> } | undefined;
  readonly contentType?: string;
}

/** A successful reply. */
export interface HttpReply {
  readonly bytes: Buffer;
  /** The address of the server that answered; undefined where the way there was given. */
  readonly server: string | undefined;
  header(name: string): string | undefined;
}

/** HTTP/1.1 over verified connections, which are kept alive. */
export interface HttpClient {
  /** Throws the error that the status stands for, or `unavailable`. */
  send(request: HttpRequest): Promise<HttpReply>;
  close(): void;
}

/**
 * Creates the client. `timeoutMs` bounds the silence of the server, so that long uploads are not cut off. With `retry`,
 * requests that may be repeated are, at another server where there is one; others are sent once, and over a connection
 * whose server has just shown life.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  return new PooledClient(options);
}

/** What a client is made of. */
export interface HttpClientOptions {
  readonly dialer: SecureDialer;
  readonly servers: AuthServers;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly retry: boolean;
}

/** A request under way. */
interface Sent {
  /** Known once it has a connection. */
  server: string | undefined;
  readonly idempotent: boolean;
  readonly giveUp: (error: CodedError) => void;
  /** How often its server was found lost. */
  losses: number;
}

class PooledClient implements HttpClient {
  readonly #options: HttpClientOptions;
  readonly #watch: ServerWatch;
  readonly #pool: DialingAgent;
  /** For requests that must not meet a dead connection. */
  readonly #fresh: DialingAgent;
  /** Connections for requests that only one server can take. */
  readonly #pinned = new Map<string, DialingAgent>();
  readonly #closing = new AbortController();
  readonly #sent = new Set<Sent>();
  readonly #unsubscribe: () => void;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#watch = new ServerWatch(options);
    this.#pool = new DialingAgent(options.dialer, POOLED);
    this.#fresh = new DialingAgent(options.dialer, UNPOOLED);
    // Each request under way listens to it; Node would take more than ten for a leak.
    setMaxListeners(0, this.#closing.signal);
    this.#unsubscribe = options.servers.onLost((server) => this.#lost(server));
  }

  async send(request: HttpRequest): Promise<HttpReply> {
    const { retry, clock } = this.#options;
    const idempotent = request.idempotent ?? (request.method === "GET" || request.method === "DELETE");
    let attempts = 0;
    const once = async (): Promise<HttpReply> => {
      if (this.#closing.signal.aborted) throw unavailable("the client is closed");
      attempts++;
      try {
        return await this.#sendOnce(request, idempotent);
      } catch (error) {
        // The first attempt, whose answer was lost, has removed it.
        if (attempts > 1 && request.method === "DELETE" && hasCode(error, "not_found")) return NO_CONTENT;
        throw error;
      }
    };
    return retry && idempotent ? withRetries(once, clock, this.#closing.signal) : once();
  }

  close(): void {
    this.#unsubscribe();
    this.#closing.abort(unavailable("the client is closed"));
    for (const agent of [this.#pool, this.#fresh, ...this.#pinned.values()]) agent.destroy();
  }

  async #sendOnce(request: HttpRequest, idempotent: boolean): Promise<HttpReply> {
    const { servers, timeoutMs } = this.#options;
    const done = new AbortController();
    const lost = new AbortController();
    const sent: Sent = { server: undefined, idempotent, giveUp: (error) => lost.abort(error), losses: 0 };
    this.#sent.add(sent);
    try {
      const reply = await sendOnce(
        this.#agentFor(request, idempotent),
        request,
        timeoutMs,
        AbortSignal.any([this.#closing.signal, lost.signal]),
        (server) => {
          sent.server = server;
          if (server !== undefined) void this.#watch.follow(server, done.signal);
        },
      );
      if (sent.server !== undefined) this.#watch.heard(sent.server);
      return { ...reply, server: sent.server };
    } catch (error) {
      const { server } = sent;
      if (server !== undefined && servers.hasOthers && hasCode(error, "unavailable")) {
        servers.failed(server);
        this.#pool.drop(server);
      }
      throw error;
    } finally {
      this.#sent.delete(sent);
      done.abort();
    }
  }

  #agentFor({ server }: HttpRequest, idempotent: boolean): DialingAgent {
    const { servers, dialer } = this.#options;
    if (server !== undefined) {
      const agent = this.#pinned.get(server) ?? new DialingAgent(dialer, POOLED, server);
      this.#pinned.set(server, agent);
      return agent;
    }
    return idempotent || !servers.hasOthers || this.#watch.isFresh(servers.order[0])
      ? this.#pool
      : this.#fresh;
  }

  /** What may be sent again is given up at once, the rest once its server stays away: it may be at work on it. */
  #lost(server: string): void {
    this.#pool.drop(server);
    for (const sent of [...this.#sent]) {
      if (sent.server !== server) continue;
      sent.losses++;
      if (sent.idempotent || sent.losses >= LOSSES_BEFORE_GIVING_UP) {
        sent.giveUp(unavailable(`the auth server ${server} does not answer any more`));
      }
    }
  }
}

/** About ten seconds of a server that does not answer. */
const LOSSES_BEFORE_GIVING_UP = 5;
const NO_CONTENT: HttpReply = { bytes: Buffer.alloc(0), server: undefined, header: () => undefined };
const POOLED = { keepAlive: true, maxSockets: 32, maxFreeSockets: 4, timeout: IDLE_CONNECTION_MS };
const UNPOOLED = { keepAlive: false, maxSockets: 32 };

/** An agent whose connections come out of the dialer, TLS included: to HTTP they look like plain ones. */
class DialingAgent extends Agent {
  readonly #dialer: SecureDialer;
  readonly #only: string | undefined;
  /** The server at the other end of each connection. */
  readonly #servers = new WeakMap<Duplex, string>();

  constructor(dialer: SecureDialer, options: AgentOptions, only?: string) {
    super(options);
    this.#dialer = dialer;
    this.#only = only;
  }

  /** The server at the other end of a connection of this agent. */
  serverOf(socket: Duplex): string | undefined {
    return this.#servers.get(socket);
  }

  /** Closes idle connections to a server. */
  drop(server: string): void {
    for (const socket of Object.values(this.freeSockets).flat()) {
      if (socket && this.serverOf(socket) === server) socket.destroy();
    }
  }

  // Node's Agent takes connections by callback too; its type does not say so.
  override createConnection(
    _options: unknown,
    callback: (error: Error | null, socket?: Duplex) => void,
  ): undefined {
    this.#dialer("http/1.1", this.#only).then(
      ({ socket, server }) => {
        if (server !== undefined) this.#servers.set(socket, server);
        callback(null, socket);
      },
      (error: unknown) => callback(error as Error),
    );
    return undefined;
  }
}

function sendOnce(
  agent: DialingAgent,
  { method, path, body, contentType }: HttpRequest,
  timeoutMs: number,
  signal: AbortSignal,
  onServer: (server: string | undefined) => void,
): Promise<Omit<HttpReply, "server">> {
  return new Promise((resolve, reject) => {
    const payload =
      body &&
      ("json" in body ? Buffer.from(JSON.stringify(body.json)) : "bytes" in body ? body.bytes : undefined);
    const outgoing = httpRequest({
      agent,
      method,
      path,
      host: API_DOMAIN,
      signal,
      headers: {
        "user-agent": "teleport-node",
        ...(body && { "content-type": contentType ?? "application/json" }),
        ...(payload && { "content-length": payload.byteLength }),
      },
    });
    outgoing.once("socket", (socket) => onServer(agent.serverOf(socket)));
    outgoing.setTimeout(timeoutMs, () =>
      outgoing.destroy(unavailable(`the auth server did not answer in ${timeoutMs} ms`)),
    );
    outgoing.once("error", (error) => {
      reject(
        error instanceof CodedError
          ? error
          : signal.aborted && signal.reason instanceof CodedError
            ? signal.reason
            : unavailable(`the request failed: ${errorMessage(error)}`, { cause: error }),
      );
    });
    outgoing.once("response", (incoming) => {
      readReply(incoming).then(resolve, (error: unknown) => {
        outgoing.destroy();
        reject(error);
      });
    });
    if (body && "stream" in body) {
      pump(body.stream, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
    } else {
      outgoing.end(payload);
    }
  });
}

/** Writes a stream as fast as the server reads. */
async function pump(stream: AsyncIterable<Uint8Array>, outgoing: ClientRequest): Promise<void> {
  for await (const chunk of stream) {
    if (outgoing.destroyed) return;
    if (!outgoing.write(chunk)) {
      await new Promise<void>((resolve) => {
        const goOn = (): void => {
          outgoing.off("drain", goOn);
          outgoing.off("close", goOn);
          resolve();
        };
        outgoing.on("drain", goOn);
        outgoing.on("close", goOn);
      });
    }
  }
  outgoing.end();
}

async function readReply(incoming: IncomingMessage): Promise<Omit<HttpReply, "server">> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_REPLY_BYTES) throw internal("the reply of the auth server is too large");
      chunks.push(chunk);
    }
  } catch (error) {
    throw hasCode(error, "internal") && error instanceof CodedError
      ? error
      : unavailable("the connection broke while the auth server answered", { cause: error });
  }
  const bytes = Buffer.concat(chunks);
  const status = incoming.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    return { bytes, header: (name) => [incoming.headers[name] ?? []].flat()[0] };
  }
  throw errorOf(status, bytes);
}

function errorOf(status: number, bytes: Buffer): CodedError {
  let message: unknown;
  try {
    message = (JSON.parse(bytes.toString("utf8")) as { message?: unknown } | null)?.message;
  } catch {
    message = undefined;
  }
  if (typeof message === "string") return errorFromHttp(status, message);
  // A 404 without a message is the router's: the endpoint, not the thing, is missing.
  if (status === 404) return notImplemented("the server does not know this request: is it an auth server?");
  return errorFromHttp(status, `the server answered with status ${status}`);
}
