/**
 * Measures what carrying bytes costs: the proxy as a jump host and the node's commands, beside the stock sshd in both
 * places and in the same run. Figures are CPU seconds of the servers per GB: on a shared machine these wander least.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { cpus } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { parseAuthorizedKey } from "../core/pki/ssh-key.js";
import { TestAuthority } from "../test/core/ssh/authority.js";
import { OpenSsh } from "../test/core/ssh/openssh.js";
import { startDaemon, type Daemon } from "../test/e2e/kit/daemon.js";
import { addUser, sshClient } from "../test/e2e/kit/users.js";
import { settledCpuSeconds } from "./process-cpu.js";

const BULK_BYTES = Number(process.env.BENCH_BYTES ?? 500_000_000);
const CIPHER = "aes128-gcm@openssh.com";
const BANNER = "SSH-2.0-Bench\r\n";
const LOGIN = process.env.USER ?? "root";
const COMMAND = `head -c ${BULK_BYTES} /dev/zero`;

interface Measured {
  readonly pid: number;
  readonly port: number;
}

interface Cost {
  readonly cpuSecondsPerGb: number;
  readonly mbPerSecond: number;
}

/** Runs ssh, counts what it writes, and charges the servers for it. */
async function measure(
  server: Measured,
  config: string,
  args: readonly string[],
  bytes: number,
): Promise<Cost> {
  const before = await settledCpuSeconds(server.pid);
  const started = performance.now();
  const child = spawn("ssh", ["-F", config, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let received = 0;
  child.stdout.on("data", (chunk: Buffer) => (received += chunk.length));
  await once(child, "close");
  const seconds = (performance.now() - started) / 1000;
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came: ssh ${args.join(" ")}`);
  const cpu = (await settledCpuSeconds(server.pid)) - before;
  return {
    cpuSecondsPerGb: Math.round((cpu * 1e11) / bytes) / 100,
    mbPerSecond: Math.round(bytes / 1e6 / seconds),
  };
}

/** A TCP server that says what an SSH server says first, sends its bytes and ends. */
async function openSource(): Promise<Server> {
  const block = Buffer.alloc(1 << 20);
  function* body(): Generator<Buffer> {
    yield Buffer.from(BANNER);
    for (let left = BULK_BYTES; left > 0; left -= block.length) yield block.subarray(0, left);
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume();
    void pipeline(Readable.from(body()), socket).catch(() => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** A client configuration for both kinds of server: their host keys are no part of what is measured. */
async function writeClient(daemon: Daemon): Promise<string> {
  await addUser(daemon, "bench", LOGIN);
  const { folder } = await sshClient(daemon, "bench", LOGIN);
  const config = path.join(folder, "bench-config");
  const lines = [
    "Host *",
    `  IdentityFile ${path.join(folder, "id")}`,
    "  IdentitiesOnly yes",
    "  BatchMode yes",
    "  StrictHostKeyChecking no",
    "  UserKnownHostsFile /dev/null",
    "  LogLevel ERROR",
    `  Ciphers ${CIPHER}`,
    "",
  ];
  writeFileSync(config, lines.join("\n"));
  return config;
}

async function startSshd(openssh: OpenSsh, userAuthority: Buffer): Promise<Measured> {
  const host = await (await TestAuthority.create()).signer("host");
  return openssh.startSshd(openssh.writeSigner("host", host), userAuthority);
}

async function compare(daemon: Daemon, jumpFiles: OpenSsh, targetFiles: OpenSsh): Promise<unknown> {
  const config = await writeClient(daemon);
  const exported = await daemon.tctl("auth", "export", "--type=user");
  const { blob } = parseAuthorizedKey(exported.trim().replace(/^cert-authority\s+/, ""));
  const stock = await startSshd(jumpFiles, blob);
  const target = await startSshd(targetFiles, blob);
  const source = await openSource();
  const proxy: Measured = { pid: daemon.child.pid ?? 0, port: daemon.ports.ssh };
  const here = `${LOGIN}@127.0.0.1`;
  const jump = (over: Measured, port: number): string[] => [
    "-J",
    `${here}:${over.port}`,
    "-p",
    `${port}`,
    here,
    COMMAND,
  ];
  const wire = (over: Measured): string[] => {
    const { port } = source.address() as AddressInfo;
    return ["-W", `127.0.0.1:${port}`, "-p", `${over.port}`, here];
  };
  const exec = (port: number): string[] => ["-p", `${port}`, here, COMMAND];
  const run = (server: Measured, args: readonly string[], extra = 0): Promise<Cost> =>
    measure(server, config, args, BULK_BYTES + extra);
  try {
    return {
      jumpToSshd: {
        teleport: await run(proxy, jump(proxy, target.port)),
        sshd: await run(stock, jump(stock, target.port)),
      },
      /** Proxy and node of ours are one process: this is the cost of both. */
      jumpToOurNode: { teleport: await run(proxy, jump(proxy, daemon.ports.node)) },
      stdioForward: {
        teleport: await run(proxy, wire(proxy), BANNER.length),
        sshd: await run(stock, wire(stock), BANNER.length),
      },
      exec: { teleport: await run(proxy, exec(daemon.ports.node)), sshd: await run(stock, exec(stock.port)) },
    };
  } finally {
    source.close();
  }
}

const daemon = await startDaemon({ proxy_service: { unregistered_targets: ["127.0.0.1:*"] } });
const files = [new OpenSsh(), new OpenSsh()] as const;
try {
  const costs = await compare(daemon, ...files);
  const machine = { node: process.version, cpus: cpus().length };
  console.log(
    JSON.stringify(
      { benchmark: "forward", ...machine, cipher: CIPHER, bulkBytes: BULK_BYTES, costs },
      undefined,
      2,
    ),
  );
} finally {
  for (const opened of files) opened.dispose();
  await daemon.remove();
}
