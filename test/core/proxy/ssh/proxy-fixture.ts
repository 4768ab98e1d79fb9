/** An SSH proxy behind a TCP listener, with what it takes to be its client or its target. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import type { ClusterView } from "../../../../core/auth/client/view.js";
import type { Address } from "../../../../core/grammar/address.js";
import { formatKeyLine } from "../../../../core/pki/ssh-key.js";
import { SshWriter } from "../../../../core/pki/ssh-wire.js";
import { systemClock } from "../../../../core/plugin/clock.js";
import { silentLogger } from "../../../../core/plugin/logger.js";
import { createSshProxy, type SshProxy, type SshProxyOptions } from "../../../../core/proxy/ssh/service.js";
import type { ClusterConfig } from "../../../../core/resources/cluster.js";
import type { Role } from "../../../../core/resources/role.js";
import type { Server } from "../../../../core/resources/server.js";
import { connectSsh } from "../../../../core/ssh/client.js";
import type { SshChannel, SshConnection, SshSigner } from "../../../../core/ssh/contract.js";
import { DEFAULT_LIMITS } from "../../../../core/ssh/limits.js";
import { clusterConfig, HOST_ID, role } from "../../node/node-fixture.js";
import { TestAuthority } from "../../ssh/authority.js";

/** The cluster's name. */
export const CLUSTER = "example.test";

/** An audit event as the proxy emits it. */
export type Emitted = Readonly<Record<string, unknown>>;

/** A registered node. */
export const nodeAt = (hostname: string, addr: string, id: string): Server => ({
  kind: "node",
  version: "v2",
  metadata: { name: id },
  spec: { addr, hostname },
});

/** A listener on a free loopback port, that is closed with its connections by `close`. */
export class Listening {
  readonly sockets: readonly net.Socket[];
  readonly port: number;
  readonly #server: net.Server;

  private constructor(server: net.Server, sockets: net.Socket[]) {
    this.#server = server;
    this.sockets = sockets;
    this.port = (server.address() as net.AddressInfo).port;
  }

  static async open(accept: (socket: net.Socket) => void): Promise<Listening> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true });
    const sockets: net.Socket[] = [];
    server.on("connection", (socket) => {
      socket.on("error", () => undefined);
      sockets.push(socket);
      accept(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Listening(server, sockets);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** The proxy with everything around it. */
export class ProxyFixture {
  readonly audited: Emitted[] = [];
  readonly nodes: Server[] = [];
  readonly authAddresses: Address[] = [];
  /** Set to make the audit fail. */
  auditFailure: Error | undefined;
  /** What the user of the tests may do. */
  role: Role = role("access");
  /** What the cluster's configuration says. */
  config: Partial<ClusterConfig["spec"]> = {};
  readonly authority: TestAuthority;
  /** The proxy's data directory. */
  readonly directory = mkdtempSync(join(tmpdir(), "proxy-test-"));
  readonly #user: SshSigner;
  readonly #opened: { close(): unknown }[] = [];
  #proxy!: SshProxy;
  #listening!: Listening;

  private constructor(authority: TestAuthority, user: SshSigner) {
    this.authority = authority;
    this.#user = user;
  }

  static async create(options: Partial<SshProxyOptions> = {}): Promise<ProxyFixture> {
    const authority = await TestAuthority.create();
    const fixture = new ProxyFixture(authority, await authority.signer("user"));
    const host = await authority.signer("host");
    fixture.#proxy = createSshProxy({
      api: fixture.#api(),
      view: fixture.#view(),
      hostId: HOST_ID,
      hostSigners: () => [host],
      dataDir: fixture.directory,
      auditPolicy: "strict",
      unregisteredTargets: [],
      authAddresses: () => fixture.authAddresses,
      algorithms: {},
      limits: DEFAULT_LIMITS,
      log: silentLogger,
      clock: systemClock,
      ...options,
    });
    fixture.#listening = await fixture.listen((socket) => fixture.#proxy.accept(socket));
    return fixture;
  }

  get port(): number {
    return this.#listening.port;
  }

  /** Opens a listener that is closed with the fixture. */
  async listen(accept: (socket: net.Socket) => void): Promise<Listening> {
    const listening = await Listening.open(accept);
    this.#opened.push(listening);
    return listening;
  }

  /** Opens a listener and registers it as the node `node1`. */
  async node(accept: (socket: net.Socket) => void, hostname = "node1"): Promise<Listening> {
    const listening = await this.listen(accept);
    const id = `11111111-1111-4111-8111-${String(this.nodes.length).padStart(12, "0")}`;
    this.nodes.push(nodeAt(hostname, listening.address, id));
    return listening;
  }

  /** A user's connection to the proxy. */
  async connect(signer: SshSigner = this.#user): Promise<SshConnection> {
    const connection = await connectSsh({
      stream: { host: "127.0.0.1", port: this.port },
      user: "root",
      signers: () => Promise.resolve([signer]),
      verifyHost: () => undefined,
    });
    this.#opened.push({ close: () => connection.disconnect("done") });
    return connection;
  }

  /** Resolves when the proxy has no connection left. */
  drain(): Promise<void> {
    return this.#proxy.drain();
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.reverse()) opened.close();
    await this.#proxy.close();
    rmSync(this.directory, { recursive: true });
  }

  #api(): AuthApi {
    return {
      emitAuditEvent: (event: Emitted) => {
        if (this.auditFailure) return Promise.reject(this.auditFailure);
        this.audited.push(event);
        return Promise.resolve();
      },
    } as unknown as AuthApi;
  }

  #view(): ClusterView {
    const key = Buffer.from(formatKeyLine(this.authority.publicBlob)).toString("base64");
    return {
      clusterName: CLUSTER,
      clusterConfig: () => clusterConfig(this.config),
      locks: () => [],
      staleSince: () => undefined,
      onChange: () => () => undefined,
      nodes: () => this.nodes,
      user: (name: string) => ({
        metadata: { name },
        spec: { roles: ["access"], traits: { logins: ["root"] } },
      }),
      roles: () => [this.role],
      authorities: () => [{ spec: { cluster_name: CLUSTER, checking_keys: [key] } }],
    } as unknown as ClusterView;
  }
}

/** What became of a subsystem request. */
export interface Subsystem {
  readonly channel: SshChannel;
  readonly granted: boolean;
  /** All that was written to stderr before the answer came. */
  readonly stderr: () => string;
}

/** Asks for a subsystem on a channel of its own. */
export async function subsystem(connection: SshConnection, name: string): Promise<Subsystem> {
  const channel = await connection.openChannel("session");
  let stderr = "";
  channel.extended.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const granted = await channel.request("subsystem", true, new SshWriter().string(name).toBuffer());
  return { channel, granted, stderr: () => stderr };
}

/** Opens what `ssh -W` opens. */
export function direct(connection: SshConnection, host: string, port: number): Promise<SshChannel> {
  const payload = new SshWriter().string(host).uint32(port).string("127.0.0.1").uint32(0);
  return connection.openChannel("direct-tcpip", payload.toBuffer());
}

/** Resolves with all that came once it holds `length` bytes, and leaves the rest unread. */
export async function readBytes(stream: net.Socket | SshChannel, length: number): Promise<string> {
  let received = Buffer.alloc(0);
  while (received.length < length) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) await once(stream, "readable");
    else received = Buffer.concat([received, chunk]);
  }
  return received.toString("latin1");
}

/** All that a stream yields until its end. */
export async function readAll(stream: net.Socket | SshChannel): Promise<string> {
  let all = "";
  stream.on("data", (chunk: Buffer) => (all += chunk.toString("latin1")));
  if (!stream.readableEnded) await once(stream, "end");
  return all;
}
