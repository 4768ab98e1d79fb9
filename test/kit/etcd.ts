/**
 * Real etcd servers for tests: one member or three, over TLS with client certificates or plain, with users or without,
 * on free loopback ports and a throw-away data directory.
 *
 *     let etcd: EtcdCluster;
 *     before(async function () {
 *       needEtcd(this);                    // skips where etcd is not installed; a failure under CI
 *       etcd = await startEtcd();          // or startEtcd({ members: 3, tls: true, partitions: true })
 *     });
 *     after(() => etcd?.dispose());
 *
 * One server start (about a second) serves a whole suite: give each test a `prefix` of its own. `etcd.peers` and
 * `etcd.settings()` are what `teleport.storage` takes, `etcd.ctl(...)` is etcdctl.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { freePorts } from "../e2e/kit/ports.js";
import { needProgram } from "../e2e/kit/programs.js";
import { makeEtcdCertificates, type EtcdCertificates } from "./etcd-certificates.js";
import { EtcdMember } from "./etcd-member.js";
import { EtcdPeerProxy } from "./etcd-peer-proxy.js";

const execute = promisify(execFile);

/** Options of {@link startEtcd}. */
export interface EtcdOptions {
  /** How many servers; 1 when absent. */
  readonly members?: 1 | 3;
  /** Serve clients over TLS and ask them for a certificate. */
  readonly tls?: boolean;
  /** With `tls`: clients are not asked for a certificate. */
  readonly withoutClientCertificate?: boolean;
  /** Put proxies between the members, so that {@link EtcdCluster.isolate} can cut them off. */
  readonly partitions?: boolean;
  /** More arguments of each server. */
  readonly args?: readonly string[];
}

/** Skips a suite where etcd is not installed (fails under CI). Call it first in a `before` hook. */
export function needEtcd(context: Mocha.Context): void {
  needProgram(context, "etcd", "etcdctl", "openssl");
}

/** Starts a cluster and waits until every member serves. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdCluster> {
  // etcd writes through to the disk; memory keeps a busy disk out of the tests.
  const folder = await mkdtemp(
    path.join(existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir(), "teleport-etcd-"),
  );
  const cluster = new EtcdCluster(folder, options);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.dispose();
    throw error;
  }
}

/** A running cluster. */
export class EtcdCluster {
  members: EtcdMember[] = [];
  /** With `tls`: the files. */
  readonly certificates: EtcdCertificates | undefined;
  readonly #proxies: EtcdPeerProxy[] = [];
  #ids: string[] = [];
  #user: string | undefined;

  constructor(
    readonly folder: string,
    private readonly options: EtcdOptions,
  ) {
    this.certificates = options.tls ? makeEtcdCertificates(folder) : undefined;
  }

  /** The clients' URLs of all members. */
  get peers(): string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** Keys of `teleport.storage` that reach this cluster; those given are added. */
  settings<T extends object>(more: T) {
    const tls = this.certificates;
    return {
      peers: this.peers,
      ...(tls
        ? { tls_ca_file: tls.ca, tls_cert_file: tls.clientCert, tls_key_file: tls.clientKey }
        : { insecure: true }),
      ...more,
    };
  }

  /** Called by {@link startEtcd}. */
  async start(): Promise<void> {
    const count = this.options.members ?? 1;
    const ports = await freePorts(count * 4);
    const names = Array.from({ length: count }, (_, n) => `m${n}`);
    const port = (n: number, use: number): number => ports[n * 4 + use] ?? 0;
    const peerUrl = (n: number): string => `http://127.0.0.1:${port(n, this.options.partitions ? 3 : 1)}`;
    const cluster = names.map((name, n) => `${name}=${peerUrl(n)}`).join(",");
    if (this.options.partitions) {
      for (const n of names.keys()) {
        const proxy = new EtcdPeerProxy(port(n, 1));
        await proxy.listen(port(n, 3));
        this.#proxies.push(proxy);
      }
    }
    const scheme = this.options.tls ? "https" : "http";
    this.members = names.map((name, n) => {
      const endpoint = `${scheme}://127.0.0.1:${port(n, 0)}`;
      const metricsUrl = `http://127.0.0.1:${port(n, 2)}`;
      return new EtcdMember(name, endpoint, metricsUrl, [
        ...["--name", name, "--data-dir", path.join(this.folder, name)],
        ...["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint],
        ...["--listen-peer-urls", `http://127.0.0.1:${port(n, 1)}`],
        ...["--initial-advertise-peer-urls", peerUrl(n), "--initial-cluster", cluster],
        ...["--listen-metrics-urls", metricsUrl, "--logger", "zap", "--log-level", "error"],
        ...this.#tlsArguments(),
        ...(this.options.args ?? []),
      ]);
    });
    this.members.forEach((member) => member.spawn());
    await Promise.all(this.members.map((member) => member.ready()));
    if (this.options.partitions) {
      const list = (await this.ctl("member", "list")).trim().split("\n");
      this.#ids = names.map((name) => list.find((line) => line.includes(`, ${name}, `))?.split(",")[0] ?? "");
    }
  }

  /** Runs etcdctl against the members that run and returns its stdout. */
  async ctl(...args: string[]): Promise<string> {
    const tls = this.certificates;
    const access = tls ? ["--cacert", tls.ca, "--cert", tls.clientCert, "--key", tls.clientKey] : [];
    const user = this.#user ? ["--user", this.#user] : [];
    const command = ["--endpoints", this.peers.join(","), ...access, ...user, ...args];
    const env = { ...process.env, ETCDCTL_API: "3" };
    return (await execute("etcdctl", command, { env, maxBuffer: 256 * 1024 * 1024 })).stdout;
  }

  /**
   * Switches authentication on: `root` and one more user who may read and write keys starting with `prefix`, the
   * empty one meaning all. {@link ctl} goes on as root.
   */
  async enableUsers(name: string, password: string, prefix = ""): Promise<void> {
    await this.ctl("user", "add", "root:root");
    await this.ctl("user", "grant-role", "root", "root");
    await this.ctl("role", "add", "clients");
    await this.ctl("role", "grant-permission", "clients", "--prefix=true", "readwrite", prefix);
    await this.ctl("user", "add", `${name}:${password}`);
    await this.ctl("user", "grant-role", name, "clients");
    await this.ctl("auth", "enable");
    this.#user = "root:root";
  }

  /** The member that leads; waits for an election to end. */
  async leader(): Promise<EtcdMember> {
    const deadline = Date.now() + 30_000;
    while (Date.now() < deadline) {
      for (const member of this.members) {
        if (await member.leads()) return member;
      }
      await pause(50);
    }
    throw new Error("etcd elected no leader within 30 s");
  }

  /** Cuts one member off from the others; clients still reach it. Needs `partitions`. */
  isolate(member: EtcdMember): void {
    const index = this.members.indexOf(member);
    const id = this.#ids[index] ?? "";
    const others = this.#ids.filter((other) => other !== id);
    this.#proxies.forEach((proxy, n) => proxy.cut(n === index ? others : [id]));
  }

  /** Ends what {@link isolate} did. */
  heal(): void {
    this.#proxies.forEach((proxy) => proxy.cut([]));
  }

  /** Ends all servers and removes their data. */
  async dispose(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    await rm(this.folder, { recursive: true, force: true });
  }

  #tlsArguments(): string[] {
    const tls = this.certificates;
    if (!tls) return [];
    return [
      ...["--cert-file", tls.serverCert, "--key-file", tls.serverKey],
      ...(this.options.withoutClientCertificate ? [] : ["--client-cert-auth", "--trusted-ca-file", tls.ca]),
    ];
  }
}
