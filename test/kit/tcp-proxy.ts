import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Stands between a client and one server, and loses connections at the worst moment. */
export class TcpProxy {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#accept(client));
  #swallow = false;
  #refuse = false;
  #hold: "no" | "keep" | "ignore" = "no";
  #held: { readonly server: Socket; readonly chunk: Buffer }[] = [];

  constructor(private readonly target: URL) {}

  /** Starts; resolves to the URL of the proxy. */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `${this.target.protocol}//127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whether answers of the server get lost; questions go through. */
  swallow(answers: boolean): void {
    this.#swallow = answers;
  }

  /** Whether new connections are closed at once. */
  refuse(connections: boolean): void {
    this.#refuse = connections;
  }

  /** Questions are kept on the way, as in a frozen member, and nothing is answered. */
  hold(): void {
    this.#hold = "keep";
    this.#swallow = true;
  }

  /** Keeps what is held, but nothing more: neither that calls are cancelled, nor that the client has gone. */
  deaf(): void {
    this.#hold = "ignore";
  }

  /** Lets go what {@link hold} has kept: it reaches the server late. */
  release(): void {
    this.#held.forEach(({ server, chunk }) => server.write(chunk));
    this.#held = [];
  }

  /** Breaks all connections. */
  cut(): void {
    this.#sockets.forEach((socket) => socket.destroy());
  }

  /** Does something while all connections break and new ones are refused. */
  async away(during: () => Promise<void>): Promise<void> {
    this.refuse(true);
    this.cut();
    try {
      await during();
    } finally {
      this.refuse(false);
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    if (this.#refuse) {
      client.destroy();
      return;
    }
    const server = connect(Number(this.target.port), this.target.hostname);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        this.#sockets.delete(one);
        if (this.#hold === "no") other.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      if (this.#hold === "no") server.write(chunk);
      else if (this.#hold === "keep") this.#held.push({ server, chunk });
    });
    server.on("data", (chunk) => {
      if (!this.#swallow) client.write(chunk);
    });
  }
}
