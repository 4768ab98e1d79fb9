/** The web server behind a TCP listener, with an auth API that records what it is asked. */
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { once } from "node:events";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { generateEcdsaKeyPair, privateKeyPem } from "../../../../core/pki/keys.js";
import { createTlsAuthority } from "../../../../core/pki/x509.js";
import { systemClock } from "../../../../core/plugin/clock.js";
import type { Logger } from "../../../../core/plugin/logger.js";
import type { KeyPair, TlsSource } from "../../../../core/plugin/tls.js";
import { createWebProxy, type WebProxy, type WebProxyOptions } from "../../../../core/proxy/web/server.js";

/** A self-signed pair. */
export function pairFor(name: string): KeyPair {
  const key = generateEcdsaKeyPair();
  return { chainPem: createTlsAuthority(name, key, new Date()), keyPem: privateKeyPem(key.privateKey) };
}

/** A certificate source whose pair a test exchanges. */
export class TestSource implements TlsSource {
  pair: KeyPair;
  #announce: () => void = () => undefined;

  constructor(pair: KeyPair) {
    this.pair = pair;
  }

  current(): Promise<KeyPair> {
    return Promise.resolve(this.pair);
  }

  exchange(pair: KeyPair): void {
    this.pair = pair;
    this.#announce();
  }

  async *changes(signal: AbortSignal): AsyncIterable<void> {
    while (!signal.aborted) {
      await new Promise<void>((resolve) => (this.#announce = resolve));
      yield;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Collects the lines of a log, and lets a test wait for one. */
export class TestLog implements Logger {
  readonly lines: string[] = [];
  #waiting: { text: string; resolve: () => void }[] = [];
  readonly debug = this.#write.bind(this);
  readonly info = this.#write.bind(this);
  readonly warn = this.#write.bind(this);
  readonly error = this.#write.bind(this);

  child(): Logger {
    return this;
  }

  /** Resolves with the next line that holds `text`. */
  next(text: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ text, resolve }));
  }

  #write(message: string, fields?: Readonly<Record<string, unknown>>): void {
    const line = `${message} ${JSON.stringify(fields ?? {})}`;
    this.lines.push(line);
    this.#waiting = this.#waiting.filter(({ text, resolve }) => {
      if (!line.includes(text)) return true;
      resolve();
      return false;
    });
  }
}

/** A reply. */
export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

/** The server under test. */
export class WebFixture {
  readonly log = new TestLog();
  /** What the API was asked: the call's name and its argument. */
  readonly calls: [name: string, argument: unknown][] = [];
  /** Answers of the API by call; a function may throw. */
  readonly answers: Record<string, (argument: unknown) => unknown> = {};
  readonly port: number;
  readonly #listener: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #secure: boolean;
  #web!: WebProxy;

  private constructor(listener: net.Server, secure: boolean) {
    this.#listener = listener;
    this.#secure = secure;
    this.port = (listener.address() as net.AddressInfo).port;
    listener.on("connection", (socket) => {
      socket.on("error", () => undefined);
      this.#sockets.add(socket);
      this.#web.accept(socket);
    });
  }

  /** Starts it; plain HTTP without a `tls` option. */
  static async create(options: Partial<WebProxyOptions> = {}): Promise<WebFixture> {
    const listener = net.createServer({ allowHalfOpen: true });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const fixture = new WebFixture(listener, options.tls !== undefined);
    fixture.#web = await createWebProxy({
      api: fixture.#api(),
      tls: undefined,
      addresses: {
        sshListen: { host: "127.0.0.1", port: 22023 },
        tunnelListen: { host: "127.0.0.1", port: 22024 },
        web: { host: "localhost", port: 22080 },
      },
      log: fixture.log,
      clock: systemClock,
      ...options,
    });
    return fixture;
  }

  /** Sends a request; a body that is no string goes as JSON. */
  async call(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<Reply> {
    const module = this.#secure ? https : http;
    const options = {
      host: "127.0.0.1",
      port: this.port,
      method,
      path,
      agent: false,
      rejectUnauthorized: false,
    };
    const request = module.request({
      ...options,
      headers: body === undefined ? {} : { "Content-Type": contentType },
    });
    request.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk as string;
    const json: unknown = /json/.test(response.headers["content-type"] ?? "") ? JSON.parse(text) : undefined;
    return { status: response.statusCode ?? 0, headers: response.headers, text, json };
  }

  /** Writes bytes to the listener and resolves with all that comes back until it closes. */
  async raw(bytes: string): Promise<string> {
    const socket = net.connect(this.port, "127.0.0.1");
    socket.on("error", () => undefined);
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    socket.write(bytes);
    await new Promise((resolve) => socket.once("close", resolve));
    return text;
  }

  async close(): Promise<void> {
    this.#listener.close();
    await this.#web.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #api(): AuthApi {
    const { calls, answers } = this;
    return new Proxy({} as AuthApi, {
      get: (_target, name: string) => async (argument: unknown) => {
        calls.push([name, argument]);
        const answer = answers[name];
        if (!answer) throw new Error(`unexpected call of ${name}`);
        return answer(argument);
      },
    });
  }
}
