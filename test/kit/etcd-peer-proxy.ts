import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";

/**
 * Stands before the peer port of one etcd member and can refuse the others one by one. etcd names the sender of each peer
 * connection in the header `X-Server-From`, so that even traffic of one loopback address can be partitioned.
 */
export class EtcdPeerProxy {
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #links = new Map<Socket, string>();
  /** Hexadecimal ids of members whose connections are cut. */
  #cut = new Set<string>();

  constructor(private readonly targetPort: number) {}

  async listen(port: number): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Cuts what these members have sent here, now and until the next call. */
  cut(members: readonly string[]): void {
    this.#cut = new Set(members);
    for (const [socket, from] of this.#links) {
      if (this.#cut.has(from)) socket.destroy();
    }
  }

  async close(): Promise<void> {
    this.#links.forEach((_from, socket) => socket.destroy());
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(socket: Socket): void {
    this.#links.set(socket, "");
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", read);
      socket.pause();
      const from = /^x-server-from: *([0-9a-f]+)/im.exec(head.toString("latin1"))?.[1] ?? "";
      this.#links.set(socket, from);
      if (this.#cut.has(from)) {
        socket.destroy();
        return;
      }
      const target = connect(this.targetPort, "127.0.0.1");
      target.on("error", () => socket.destroy());
      target.on("close", () => socket.destroy());
      socket.on("close", () => target.destroy());
      target.write(head);
      socket.pipe(target).pipe(socket);
    };
    socket.on("data", read);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#links.delete(socket));
  }
}
