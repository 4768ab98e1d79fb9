/** A client of a node that shells are tried with, by the product's own SSH client. */
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import type { PeerRequest, SshChannel, SshConnection } from "../../../core/ssh/contract.js";
import type { NodeFixture } from "../node/node-fixture.js";

/** What a client asks for. */
export interface ShellOptions {
  readonly identity?: string;
  readonly session?: string;
  readonly mode?: string;
  /** Columns and rows; absent means without a terminal. */
  readonly size?: readonly [number, number];
  readonly command?: string;
  /** Uses a connection that is open already. */
  readonly on?: SshConnection;
}

/** A client in a session. */
export class ShellClient {
  readonly requests: PeerRequest[] = [];
  /** Events that the node has told this client. */
  readonly news: (Record<string, unknown> & { event: string })[] = [];
  text = "";
  errors = "";
  readonly #waiting = new Set<() => void>();

  private constructor(
    readonly connection: SshConnection,
    readonly channel: SshChannel,
  ) {}

  /** Opens a session and waits until the node has answered. */
  static async open(node: NodeFixture, options: ShellOptions = {}): Promise<ShellClient> {
    const connection = options.on ?? (await node.connect(options.identity));
    const channel = await connection.openChannel("session");
    const client = new ShellClient(connection, channel);
    connection.onGlobalRequest("x-teleport-event", ({ payload }) => {
      client.news.push(JSON.parse(payload.toString()) as { event: string });
      client.#wake();
      return true;
    });
    channel.onRequest((request) => {
      client.requests.push(request);
      return true;
    });
    channel.on("data", (data: Buffer) => {
      client.text += data.toString("latin1");
      client.#wake();
    });
    channel.extended.on("data", (data: Buffer) => {
      client.errors += data.toString("latin1");
      client.#wake();
    });
    void channel.whenClosed.then(() => client.#wake());
    // With this level, bash leaves out the start files of its user.
    await client.#env("SHLVL", "5");
    if (options.session !== undefined) await client.#env("TELEPORT_SESSION", options.session);
    if (options.mode !== undefined) await client.#env("TELEPORT_SESSION_JOIN_MODE", options.mode);
    if (options.size !== undefined) {
      const pty = new SshWriter().string("xterm").raw(sizePayload(options.size)).string(Buffer.of(0));
      await channel.request("pty-req", true, pty.toBuffer());
    }
    if (options.command === undefined) await channel.request("shell", true);
    else await channel.request("exec", true, new SshWriter().string(options.command).toBuffer());
    return client;
  }

  type(text: string): void {
    this.channel.write(text);
  }

  resize(columns: number, rows: number): void {
    void this.channel.request("window-change", false, sizePayload([columns, rows]));
  }

  /** Waits until something holds, looking after everything that arrives. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** Waits for output. */
  async shows(pattern: RegExp): Promise<void> {
    await this.until(() => pattern.test(this.text));
  }

  get exitStatus(): number | undefined {
    return this.requests.find(({ name }) => name === "exit-status")?.payload.readUInt32BE(0);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async #env(name: string, value: string): Promise<void> {
    await this.channel.request("env", true, new SshWriter().string(name).string(value).toBuffer());
  }
}

function sizePayload([columns, rows]: readonly [number, number]): Buffer {
  return new SshWriter().uint32(columns).uint32(rows).uint32(0).uint32(0).toBuffer();
}
