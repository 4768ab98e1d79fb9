/** The SSH side of a proxy (wire.md §3.4, §3.5), or a jump host in its place. */
import { isIPv6 } from "node:net";
import { accessDenied, errorMessage, hasCode, unavailable } from "../../errors/error.js";
import { formatAddress, parseAddress, type Address } from "../../grammar/address.js";
import { SshWriter } from "../../pki/ssh-wire.js";
import { serveAgent } from "../../ssh/agent-server.js";
import type { SshChannel, SshConnection } from "../../ssh/contract.js";
import { createSigner } from "../../ssh/signer.js";
import { terminalText } from "../terminal-text.js";
import type { Client } from "./client.js";
import { hasExpired, type Credentials } from "./credentials.js";
import { dial } from "./dial.js";
import { LoginRefused, logInToHost } from "./host-login.js";
import { LoginNeeded } from "./login-needed.js";
import { SSH_PORT } from "./proxy-address.js";

/** A cluster that the proxy leads to. */
export interface ClusterStatus {
  readonly name: string;
  readonly status: string;
}

/** A node as a user names it. */
export interface NodeTarget {
  /** Host name, address or UUID. */
  readonly host: string;
  /** 0 = whatever port it is registered with. */
  readonly port: number;
  readonly cluster: string;
}

/** A connection to a proxy. Streams that it has dialled end with it. */
export interface ProxyClient {
  /** The proxy's own cluster first. */
  clusters(): Promise<ClusterStatus[]>;
  /** A byte stream to a node's SSH server. Throws `unavailable` with the proxy's words. */
  dialNode(target: NodeTarget): Promise<SshChannel>;
  /** A byte stream to an auth server of a cluster. */
  dialAuth(cluster: string): Promise<SshChannel>;
  close(): void;
}

const MAX_CLUSTER_LIST_BYTES = 4 * 1024 * 1024;
const MAX_REASON_BYTES = 4096;

/** Connects to the client's proxy, or its jump host. Throws {@link LoginNeeded} where the login is not taken. */
export async function connectProxy(client: Client): Promise<ProxyClient> {
  const { credentials, trust } = client;
  const hop = client.jumphost === undefined ? undefined : parseJumphost(client.jumphost);
  const address = hop?.address ?? client.profile.ssh;
  try {
    const connection = await logInToHost({
      open: () => dial(address),
      host: address.host,
      cluster: credentials.rootCluster,
      trust,
      now: new Date(),
      login: hop?.login ?? credentials.certificate.principals[0]!,
      credentials,
      mayAsk: !client.isIdentity,
    });
    return hop === undefined
      ? new TeleportProxy(connection, credentials)
      : new JumpHost(connection, credentials);
  } catch (error) {
    if (hasCode(error, "unavailable")) {
      const where = formatAddress(address);
      throw unavailable(
        `cannot reach the proxy at ${where}: ${errorMessage(error)}; if the cluster has another proxy, name it with --proxy`,
        { cause: error },
      );
    }
    if (!(error instanceof LoginRefused)) throw error;
    if (client.isIdentity) throw hasExpired(credentials, new Date()) ? expiredIdentity(error) : error;
    throw new LoginNeeded("the proxy no longer takes this login", client.profile.web.host, error);
  }
}

function expiredIdentity(cause: Error): Error {
  const message =
    "the identity file has expired: make a new one with 'tctl auth sign --user=USER --out=FILE'";
  return accessDenied(message, { cause });
}

class TeleportProxy implements ProxyClient {
  protected readonly unexplained: string = "the proxy refused the connection without a reason";

  constructor(
    protected readonly connection: SshConnection,
    protected readonly credentials: Credentials,
  ) {}

  async clusters(): Promise<ClusterStatus[]> {
    const channel = await this.#openSubsystem("proxysites");
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of channel as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_CLUSTER_LIST_BYTES) throw unavailable("the proxy's list of clusters is too long");
      chunks.push(chunk);
    }
    return parseClusters(Buffer.concat(chunks).toString("utf8"));
  }

  async dialNode({ host, port, cluster }: NodeTarget): Promise<SshChannel> {
    const offersAgent = await offerAgentToRecorder(this.connection, this.credentials);
    const name = `proxy:${isIPv6(host) ? `[${host}]` : host}:${port}@default@${cluster}`;
    return this.#openSubsystem(name, offersAgent);
  }

  dialAuth(cluster: string): Promise<SshChannel> {
    return this.#openSubsystem(`proxy:@${cluster}`);
  }

  close(): void {
    this.connection.disconnect("bye");
  }

  /** Throws `unavailable` with what the proxy wrote to stderr before it refused. */
  async #openSubsystem(name: string, offersAgent = false): Promise<SshChannel> {
    const channel = await this.connection.openChannel("session");
    if (offersAgent) void channel.request("auth-agent-req@openssh.com", false);
    let reason = "";
    const collect = (chunk: Buffer): void => {
      if (reason.length < MAX_REASON_BYTES) reason += chunk.toString("utf8");
    };
    channel.extended.on("data", collect);
    const granted = await channel.request("subsystem", true, new SshWriter().string(name).toBuffer());
    if (granted) {
      channel.extended.off("data", collect).resume();
      return channel;
    }
    channel.resume();
    channel.close();
    await channel.whenClosed;
    // What came last may still wait in the stream.
    await new Promise((resolve) => setImmediate(resolve));
    throw unavailable(terminalText(reason.trim()) || this.unexplained);
  }
}

/**
 * Lets a proxy that records sessions, and so logs in to nodes itself, use this client's login, not the user's own agent.
 * False where it does not record.
 */
async function offerAgentToRecorder(
  connection: SshConnection,
  { privateKey, certificate }: Credentials,
): Promise<boolean> {
  const answer = await connection.globalRequest("recording-proxy@teleport.com", true);
  if (answer?.toString("latin1") !== "true") return false;
  const signer = createSigner(privateKey, certificate.blob);
  connection.onChannel("auth-agent@openssh.com", (open) => {
    const channel = open.accept();
    channel.extended.resume();
    void serveAgent(channel, () => [{ signer, comment: `teleport:${certificate.keyId}` }]);
  });
  return true;
}

/** An SSH server that forwards to nodes; the rest is for those that are proxies themselves. */
class JumpHost extends TeleportProxy {
  protected override readonly unexplained =
    "a jump host that is no proxy of Teleport only leads to nodes: leave out -J for this command";

  override async dialNode({ host, port }: NodeTarget): Promise<SshChannel> {
    await offerAgentToRecorder(this.connection, this.credentials);
    const target = new SshWriter().string(host).uint32(port).string("0.0.0.0").uint32(0);
    const channel = await this.connection.openChannel("direct-tcpip", target.toBuffer());
    channel.extended.resume();
    return channel;
  }
}

function parseClusters(text: string): ClusterStatus[] {
  try {
    const list = JSON.parse(text) as Partial<ClusterStatus>[];
    return list.map(({ name, status }) => ({ name: String(name), status: String(status) }));
  } catch (cause) {
    throw unavailable("the proxy's list of clusters cannot be read", { cause });
  }
}

function parseJumphost(text: string): { login: string | undefined; address: Address } {
  const at = text.lastIndexOf("@");
  const address = parseAddress(text.slice(at + 1), SSH_PORT);
  return { login: at > 0 ? text.slice(0, at) : undefined, address };
}
