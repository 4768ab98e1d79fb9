import { setMaxListeners } from "node:events";
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
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
import { errorFromHttp } from "./error-mapping.js";
import { withRetries } from "./retry.js";
import type { SecureDialer } from "./secure-dialer.js";

/** Largest reply that is read into memory: a chunk of a recording is 5 MiB, long lists may be more. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** Shorter than the servers keep idle connections, so that a request never goes into one that is being closed. */
const IDLE_CONNECTION_MS = 15_000;

/** A request to the REST API. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path with query. */
  readonly path: string;
  /** JSON is for objects; bytes and streams go out as they are. */
  readonly body?:
    { json: unknown } | { bytes: Uint8Array } | { stream: AsyncIterable<Uint8Array> } | undefined;
  readonly contentType?: string;
}

/** A successful reply. */
export interface HttpReply {
  readonly bytes: Buffer;
  header(name: string): string | undefined;
}

/** HTTP/1.1 over verified connections, which are kept alive. */
export interface HttpClient {
  /** Throws the error that the status stands for, or `unavailable`. */
  send(request: HttpRequest): Promise<HttpReply>;
  close(): void;
}

/**
 * Creates the client. `timeoutMs` bounds the silence of the server, so that long uploads are not cut off. With
 * `retryReads`, GET is tried again while the server is `unavailable`; other requests never are.
 */
export function createHttpClient(options: {
  dialer: SecureDialer;
  clock: Clock;
  timeoutMs: number;
  retryReads: boolean;
}): HttpClient {
  const agent = new DialingAgent(options.dialer);
  const closing = new AbortController();
  // Each request under way listens to it; Node would take more than ten for a leak.
  setMaxListeners(0, closing.signal);
  return {
    async send(request) {
      const once = (): Promise<HttpReply> => {
        if (closing.signal.aborted) throw unavailable("the client is closed");
        return sendOnce(agent, request, options.timeoutMs, closing.signal);
      };
      const retry = options.retryReads && request.method === "GET";
      return retry ? withRetries(once, options.clock, closing.signal) : once();
    },
    close() {
      closing.abort(unavailable("the client is closed"));
      agent.destroy();
    },
  };
}

/** An agent whose connections come out of the dialer, TLS included: to HTTP they look like plain ones. */
class DialingAgent extends Agent {
  readonly #dialer: SecureDialer;

  constructor(dialer: SecureDialer) {
    super({ keepAlive: true, maxSockets: 32, maxFreeSockets: 4, timeout: IDLE_CONNECTION_MS });
    this.#dialer = dialer;
  }

  // Node's Agent takes connections by callback too; its type does not say so.
  override createConnection(
    _options: unknown,
    callback: (error: Error | null, socket?: Duplex) => void,
  ): undefined {
    this.#dialer("http/1.1").then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(error as Error),
    );
    return undefined;
  }
}

function sendOnce(
  agent: Agent,
  { method, path, body, contentType }: HttpRequest,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HttpReply> {
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
    outgoing.setTimeout(timeoutMs, () =>
      outgoing.destroy(unavailable(`the auth server did not answer in ${timeoutMs} ms`)),
    );
    outgoing.once("error", (error) => {
      reject(
        error instanceof CodedError
          ? error
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

async function readReply(incoming: IncomingMessage): Promise<HttpReply> {
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
