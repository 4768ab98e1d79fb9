/**
 * Benchmark of core/ssh beside the stock sshd in the same run: `node dist/bench/ssh.js`. Prints JSON. CPU figures are user and
 * system time of the server with its children; throughput on a shared machine wanders, CPU seconds per GB do not.
 */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createSshServer } from "../core/ssh/server.js";
import { connectSsh } from "../core/ssh/client.js";
import { DEFAULT_LIMITS } from "../core/ssh/limits.js";
import { createSigner } from "../core/ssh/signer.js";
import { parsePrivateKey, privateKeyPem } from "../core/pki/keys.js";
import { SshReader } from "../core/pki/ssh-wire.js";
import { systemClock } from "../core/plugin/clock.js";
import { silentLogger } from "../core/plugin/logger.js";
import type { SshConnection, SshSigner } from "../core/ssh/contract.js";
import { TestAuthority } from "../test/core/ssh/authority.js";
import { OpenSsh } from "../test/core/ssh/openssh.js";
import { connect } from "node:net";

const GIGABYTE = 1e9;
const BULK_BYTES = Number(process.env.BENCH_BYTES ?? 500_000_000);
const HANDSHAKES = 100;
const IDLE_CONNECTIONS = 300;
const CIPHER = "aes128-gcm@openssh.com";

/** What the child process that runs our server gets. */
interface ServerOrder {
  readonly hostKeyPem: string;
  readonly hostCertificate: string;
  readonly authority: string;
}

if (process.send !== undefined) process.once("message", (order) => void serve(order as ServerOrder));
else await main();

/** Runs our server: exec requests start a child, direct-tcpip is forwarded. Answers `report` with its memory. */
async function serve(order: ServerOrder): Promise<void> {
  const signer = createSigner(
    parsePrivateKey(order.hostKeyPem),
    Buffer.from(order.hostCertificate, "base64"),
  );
  const server = createSshServer({
    hostSigners: () => [signer],
    limits: DEFAULT_LIMITS,
    authorities: () => [Buffer.from(order.authority, "base64")],
    onConnection: serveConnection,
    log: silentLogger,
    clock: systemClock,
  });
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    server.accept(socket, { remote: `127.0.0.1:${String(socket.remotePort)}`, local: "127.0.0.1:0" }),
  );
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  process.on("message", () => {
    (globalThis as { gc?: () => void }).gc?.();
    process.send?.({ rss: process.memoryUsage().rss });
  });
  process.send?.({ port: (listener.address() as AddressInfo).port });
}

function serveConnection(connection: SshConnection): void {
  connection.onChannel("direct-tcpip", (open) => {
    const reader = new SshReader(open.payload);
    const socket = connect({
      host: reader.text(),
      port: reader.uint32(),
      allowHalfOpen: true,
      noDelay: true,
    });
    const channel = open.accept();
    void Promise.allSettled([pipeline(socket, channel), pipeline(channel, socket)]).then(() =>
      channel.close(),
    );
  });
  connection.onChannel("session", (open) => {
    const channel = open.accept();
    channel.onRequest(({ name, payload }) => {
      if (name !== "exec") return false;
      const child = spawn("sh", ["-c", new SshReader(payload).text()], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      void pipeline(channel, child.stdin).catch(() => undefined);
      void pipeline(child.stdout, channel, { end: false }).catch(() => undefined);
      child.on("close", (code) => {
        channel.exitStatus(code ?? 255);
        channel.close();
      });
      return true;
    });
  });
}

async function main(): Promise<void> {
  const openssh = new OpenSsh();
  const authority = await TestAuthority.create();
  const host = await authority.signer("host");
  const user = await authority.signer("user");
  const hostKeyPath = openssh.writeSigner("host", host);
  const sshd = await openssh.startSshd(hostKeyPath, authority.publicBlob, ["MaxStartups 1000"]);
  const child = fork(fileURLToPath(import.meta.url), { execArgv: ["--expose-gc"] });
  if (host.privateKey === undefined || host.certificate === undefined || child.pid === undefined)
    throw new Error("no server");
  child.send({
    hostKeyPem: privateKeyPem(host.privateKey),
    hostCertificate: host.certificate.toString("base64"),
    authority: authority.publicBlob.toString("base64"),
  } satisfies ServerOrder);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  try {
    const servers = { teleport: { port, pid: child.pid }, sshd };
    const report: Record<string, unknown> = { cipher: CIPHER, bulkBytes: BULK_BYTES };
    for (const [name, server] of Object.entries(servers)) {
      report[name] = {
        handshake: await measureHandshakes(server, user),
        exec: await measureBulk(openssh, authority, user, server, [
          "root@127.0.0.1",
          `head -c ${String(BULK_BYTES)} /dev/zero`,
        ]),
        forward: await measureForward(openssh, authority, user, server),
      };
    }
    report.idleConnectionBytes = await measureIdle(child, port, user);
    console.log(JSON.stringify(report, undefined, 2));
  } finally {
    child.kill();
    openssh.dispose();
  }
}

interface MeasuredServer {
  readonly port: number;
  readonly pid: number;
}

function login(port: number, signer: SshSigner): Promise<SshConnection> {
  return connectSsh({
    stream: { host: "127.0.0.1", port },
    user: "root",
    signers: () => Promise.resolve([signer]),
    verifyHost: () => undefined,
  });
}

async function measureHandshakes(server: MeasuredServer, signer: SshSigner): Promise<unknown> {
  for (let i = 0; i < 10; i++) (await login(server.port, signer)).disconnect("warm");
  const before = await settledCpu(server.pid);
  const latencies: number[] = [];
  for (let i = 0; i < HANDSHAKES; i++) {
    const start = performance.now();
    const connection = await login(server.port, signer);
    latencies.push(performance.now() - start);
    connection.disconnect("done");
    await connection.whenClosed;
  }
  const cpu = (await settledCpu(server.pid)) - before;
  latencies.sort((a, b) => a - b);
  return { cpuMs: round((cpu * 1000) / HANDSHAKES), latencyMsP50: round(latencies[HANDSHAKES >> 1] ?? 0) };
}

async function measureBulk(
  openssh: OpenSsh,
  authority: TestAuthority,
  signer: SshSigner,
  server: MeasuredServer,
  args: readonly string[],
): Promise<unknown> {
  const key = openssh.writeSigner("id", signer);
  const before = await settledCpu(server.pid);
  const start = performance.now();
  const client = openssh.start("ssh", [
    ...openssh.clientArguments(server.port, key, authority.publicBlob, [`Ciphers=${CIPHER}`]),
    ...args,
  ]);
  let bytes = 0;
  client.stdout?.on("data", (chunk: Buffer) => (bytes += chunk.length));
  await once(client, "close");
  const seconds = (performance.now() - start) / 1000;
  if (bytes !== BULK_BYTES) throw new Error(`${String(bytes)} of ${String(BULK_BYTES)} bytes came`);
  const cpu = (await settledCpu(server.pid)) - before;
  return {
    cpuSecondsPerGb: round((cpu * GIGABYTE) / BULK_BYTES),
    mbPerSecond: Math.round(bytes / 1e6 / seconds),
  };
}

async function measureForward(
  openssh: OpenSsh,
  authority: TestAuthority,
  signer: SshSigner,
  server: MeasuredServer,
): Promise<unknown> {
  const block = Buffer.alloc(1 << 20);
  const target = createServer((socket) => {
    socket.on("error", () => undefined);
    let left = BULK_BYTES;
    const push = (): void => {
      while (left > 0) {
        const piece = block.subarray(0, Math.min(left, block.length));
        left -= piece.length;
        if (!socket.write(piece)) {
          socket.once("drain", push);
          return;
        }
      }
      socket.end();
    };
    push();
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = `127.0.0.1:${String((target.address() as AddressInfo).port)}`;
  try {
    return await measureBulk(openssh, authority, signer, server, ["-W", address, "root@127.0.0.1"]);
  } finally {
    target.close();
  }
}

async function measureIdle(child: ChildProcess, port: number, signer: SshSigner): Promise<number> {
  const rss = async (): Promise<number> => {
    child.send("report");
    return ((await once(child, "message")) as [{ rss: number }])[0].rss;
  };
  const before = await rss();
  const connections: SshConnection[] = [];
  for (let i = 0; i < IDLE_CONNECTIONS; i++) connections.push(await login(port, signer));
  const after = await rss();
  for (const connection of connections) connection.disconnect("done");
  return Math.round((after - before) / IDLE_CONNECTIONS);
}

/** CPU seconds of a process and its children, those that have ended included, once no child is left. */
async function settledCpu(pid: number): Promise<number> {
  while (readdirSync("/proc").some((entry) => parentOf(entry) === pid)) {
    await systemClock.sleep(10);
  }
  const fields = statFields(String(pid));
  const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i]), 0);
  return ticks / 100;
}

function parentOf(entry: string): number | undefined {
  if (!/^\d+$/.test(entry)) return undefined;
  try {
    return Number(statFields(entry)[1]);
  } catch {
    // The process has ended meanwhile.
    return undefined;
  }
}

/** The fields of /proc/PID/stat after the command name: state, parent and so on. */
function statFields(pid: string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
