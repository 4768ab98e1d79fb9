/** A node service of this process with a fake auth API, and a user with a certificate for stock OpenSSH clients. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { ClusterView } from "../../../core/auth/client/view.js";
import { createNodeService, type NodeService } from "../../../core/node/node-service.js";
import type { NodeSettings } from "../../../core/node/settings.js";
import { generateEd25519KeyPair, parsePrivateKey } from "../../../core/pki/keys.js";
import { issueSshCertificate, parseSshCertificateLine } from "../../../core/pki/ssh-certificate.js";
import { parseAuthorizedKey, sshPublicBlob, sshPublicLine } from "../../../core/pki/ssh-key.js";
import { type Clock, systemClock } from "../../../core/plugin/clock.js";
import { type Logger, silentLogger } from "../../../core/plugin/logger.js";
import type { ClusterConfig } from "../../../core/resources/cluster.js";
import type { Lock, LockTarget } from "../../../core/resources/lock.js";
import type { Role } from "../../../core/resources/role.js";
import type { User } from "../../../core/resources/user.js";
import { connectSsh, type SshClientOptions } from "../../../core/ssh/client.js";
import type { SshConnection } from "../../../core/ssh/contract.js";
import { DEFAULT_LIMITS } from "../../../core/ssh/limits.js";
import { createSigner } from "../../../core/ssh/signer.js";
import { SET_INNER_SHELL } from "../../kit/inner-shell.js";
import { fakeAuth } from "./fake-auth.js";
import { type ClientResult, run } from "./stock-programs.js";

export const HOST_ID = "11111111-2222-4333-8444-555555555555";
export const CLUSTER = "test.cluster";
export const LOGIN = userInfo().username;

const options = { forward_agent: true, port_forwarding: true, max_session_ttl: "30h0m0s" };

export function role(name: string, changes: Partial<Role["spec"]> = {}): Role {
  return {
    kind: "role",
    version: "v3",
    metadata: { name },
    spec: {
      options,
      allow: { logins: ["{{internal.logins}}"], namespaces: ["default"], node_labels: { "*": "*" } },
      deny: {},
      ...changes,
    },
  };
}

export function clusterConfig(changes: Partial<ClusterConfig["spec"]> = {}): ClusterConfig {
  return {
    kind: "cluster_config",
    version: "v3",
    metadata: { name: "cluster-config" },
    spec: {
      session_recording: "node",
      cluster_id: "id",
      proxy_checks_host_keys: "yes",
      audit: {},
      client_idle_timeout: "0s",
      disconnect_expired_cert: false,
      keep_alive_interval: "5m0s",
      keep_alive_count_max: 3,
      local_auth: true,
      ...changes,
    },
  };
}

/** What a test may change about the node. */
export interface FixtureOptions {
  readonly settings?: Partial<NodeSettings>;
  readonly roles?: readonly Role[];
  readonly config?: Partial<ClusterConfig["spec"]>;
  readonly clock?: Clock;
}

/** What a test may change about the cluster while the node runs. */
export interface ClusterChange {
  readonly roles?: readonly Role[];
  readonly locks?: readonly Lock[];
  readonly users?: readonly User[];
  readonly config?: Partial<ClusterConfig["spec"]>;
}

/** A lock in force. */
export function lock(target: LockTarget, message = "away with you"): Lock {
  return { kind: "lock", version: "v2", metadata: { name: randomUUID() }, spec: { target, message } };
}

/** How a certificate differs from the usual one. */
export interface CertificateOptions {
  /** The cluster user; `alice` where absent. */
  readonly user?: string;
  readonly roles?: string[];
  readonly logins?: string[];
  readonly validForMs?: number;
  readonly extensions?: Record<string, string>;
  readonly foreignAuthority?: boolean;
}

/** A running node with files for stock clients. */
export class NodeFixture {
  readonly directory = mkdtempSync(join(tmpdir(), "node-test-"));
  readonly auth = fakeAuth();
  readonly accounting = {
    utmp: join(this.directory, "utmp"),
    wtmp: join(this.directory, "wtmp"),
    lastlog: join(this.directory, "lastlog"),
  };
  readonly logLines: string[] = [];
  readonly service: NodeService;
  readonly #userAuthority = generateEd25519KeyPair();
  readonly #hostAuthority = generateEd25519KeyPair();
  readonly #listener: TcpServer;
  readonly #listeners = new Set<() => void>();
  #cluster: Required<ClusterChange>;
  port = 0;

  constructor(fixture: FixtureOptions = {}) {
    this.#cluster = { roles: [role("admin")], locks: [], users: [], config: {}, ...definedOnly(fixture) };
    const host = generateEd25519KeyPair();
    const hostCertificate = issueSshCertificate(
      {
        type: "host",
        publicBlob: sshPublicBlob(host.publicKey),
        keyId: HOST_ID,
        principals: ["127.0.0.1", "node1"],
        validAfter: new Date(Date.now() - 60_000),
        validBefore: null,
        extensions: {},
      },
      this.#hostAuthority.privateKey,
    );
    const signer = createSigner(host.privateKey, parseSshCertificateLine(hostCertificate).blob);
    this.service = createNodeService({
      api: this.auth.api,
      view: this.#view(),
      hostId: HOST_ID,
      hostname: "node1",
      hostSigners: () => [signer],
      settings: {
        namespace: "default",
        labels: { env: "test" },
        commands: [],
        permitUserEnv: false,
        portForwarding: true,
        advertiseAddr: "127.0.0.1:3022",
        // Made by the tests that are about them.
        accounting: this.accounting,
        algorithms: {},
        limits: DEFAULT_LIMITS,
        ...fixture.settings,
      },
      dataDir: join(this.directory, "data"),
      log: this.#logger(),
      clock: fixture.clock ?? systemClock,
    });
    this.#listener = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      this.service.accept(socket),
    );
    writeFileSync(
      join(this.directory, "known_hosts"),
      `@cert-authority * ${sshPublicLine(this.#hostAuthority.publicKey)}`,
    );
  }

  /** Changes the cluster, and tells the node. */
  change(change: ClusterChange): void {
    this.#cluster = { ...this.#cluster, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#listener.listen(0, "127.0.0.1", resolve));
    this.port = (this.#listener.address() as AddressInfo).port;
    writeFileSync(join(this.directory, "ssh_config"), `Host *\n  ${SET_INNER_SHELL}\n`);
    this.writeIdentity("id");
    return this;
  }

  /** Writes a key with a certificate, `<directory>/<name>` and `<name>-cert.pub`. */
  writeIdentity(name: string, certificate: CertificateOptions = {}): string {
    const path = join(this.directory, name);
    const publicBlob = makeKey(path);
    const logins = certificate.logins ?? [LOGIN];
    const authority = certificate.foreignAuthority === true ? generateEd25519KeyPair() : this.#userAuthority;
    const line = issueSshCertificate(
      {
        type: "user",
        publicBlob,
        keyId: certificate.user ?? "alice",
        principals: logins,
        validAfter: new Date(Date.now() - 3_600_000),
        validBefore: new Date(Date.now() + (certificate.validForMs ?? 3_600_000)),
        extensions: certificate.extensions ?? {
          "permit-pty": "",
          "permit-port-forwarding": "",
          "permit-agent-forwarding": "",
          "teleport-roles": JSON.stringify({ version: "v1", roles: certificate.roles ?? ["admin"] }),
          "teleport-traits": JSON.stringify({ logins }),
        },
      },
      authority.privateKey,
    );
    writeFileSync(`${path}-cert.pub`, line);
    return path;
  }

  /** The `-o` options of a client. An agent is used only where `SSH_AUTH_SOCK` is asked for. */
  clientOptions(identity = "id", agent: "none" | "SSH_AUTH_SOCK" = "none"): string[] {
    const path = join(this.directory, identity);
    return [
      ...["-F", join(this.directory, "ssh_config"), "-i", path],
      ...[
        "IdentitiesOnly=yes",
        `CertificateFile=${path}-cert.pub`,
        `UserKnownHostsFile=${join(this.directory, "known_hosts")}`,
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "BatchMode=yes",
        `IdentityAgent=${agent}`,
      ].flatMap((option) => ["-o", option]),
    ];
  }

  /** Runs `ssh` to the end. */
  ssh(
    args: readonly string[],
    {
      input = "",
      identity = "id",
      login = LOGIN,
    }: { input?: string | Buffer; identity?: string; login?: string } = {},
  ): Promise<ClientResult> {
    const all = [...this.clientOptions(identity), "-p", String(this.port), "-l", login];
    const separator = args.indexOf("--");
    const flags = separator < 0 ? [] : args.slice(0, separator);
    return run("ssh", [...all, ...flags, "127.0.0.1", ...args.slice(separator + 1)], input);
  }

  /** Connects with the product's own client, for what stock clients do not send. */
  connect(
    identity = "id",
    stream: SshClientOptions["stream"] = { host: "127.0.0.1", port: this.port },
  ): Promise<SshConnection> {
    const path = join(this.directory, identity);
    const key = parsePrivateKey(readFileSync(path));
    const certificate = parseSshCertificateLine(readFileSync(`${path}-cert.pub`, "utf8")).blob;
    return connectSsh({
      stream,
      user: LOGIN,
      signers: () => Promise.resolve([createSigner(key, certificate)]),
      verifyHost: () => undefined,
      log: silentLogger,
      clock: systemClock,
    });
  }

  async close(): Promise<void> {
    this.#listener.close();
    await this.service.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #view(): ClusterView {
    let known: Partial<ClusterConfig["spec"]> | undefined;
    let config = clusterConfig();
    const view: Partial<ClusterView> = {
      clusterName: CLUSTER,
      authorities: (type) => [
        {
          kind: "cert_authority",
          version: "v2",
          metadata: { name: CLUSTER },
          spec: {
            type,
            cluster_name: CLUSTER,
            checking_keys: [
              Buffer.from(
                sshPublicLine(
                  type === "user" ? this.#userAuthority.publicKey : this.#hostAuthority.publicKey,
                ),
              ).toString("base64"),
            ],
          },
        },
      ],
      clusterConfig: () => {
        if (known !== this.#cluster.config) config = clusterConfig((known = this.#cluster.config));
        return config;
      },
      roles: (names) => this.#cluster.roles.filter(({ metadata }) => names.includes(metadata.name)),
      user: (name) => this.#cluster.users.find(({ metadata }) => metadata.name === name),
      locks: () => this.#cluster.locks,
      staleSince: () => undefined,
      proxies: () => [
        {
          kind: "proxy",
          version: "v2",
          metadata: { name: "p" },
          spec: { addr: "127.0.0.1:3023", hostname: "p" },
        },
      ],
      onChange: (_kind, listener) => {
        const own = (): void => listener();
        this.#listeners.add(own);
        return () => this.#listeners.delete(own);
      },
    };
    return view as ClusterView;
  }

  #logger(): Logger {
    const line = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
      void this.logLines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
    const logger: Logger = {
      debug: line("debug"),
      info: line("info"),
      warn: line("warn"),
      error: line("error"),
      child: () => logger,
    };
    return logger;
  }
}

function definedOnly({ roles, config }: FixtureOptions): ClusterChange {
  return { ...(roles && { roles }), ...(config && { config }) };
}

/** Makes a key in OpenSSH's own format, which it wants for ed25519, and returns the public blob. */
function makeKey(path: string): Buffer {
  const result = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`ssh-keygen: ${result.stderr}`);
  return parseAuthorizedKey(readFileSync(`${path}.pub`, "utf8")).blob;
}
