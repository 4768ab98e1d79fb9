/** Forwarding through a node with stock OpenSSH: both ways, over ports and Unix sockets, with its audit and its limits. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { RoleOptions } from "../../core/resources/role.js";
import { withAdmin } from "./kit/admin.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { startDigestServer } from "./kit/digest-server.js";
import { freePorts } from "./kit/ports.js";
import { needProgram, run, succeed } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
/** An account of every system, with fewer rights than the daemon. */
const OTHER = "daemon";
/** What a client that has nothing else to do says when its forwardings stand. */
const READY = "Entering interactive session";
const ALIAS = ["-o", "HostKeyAlias=node1.example.test"];

describe("e2e: forwarding", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let client: SshClient;
  let folder: string;
  let digests: Awaited<ReturnType<typeof startDigestServer>>;
  const clients = new Set<ChildProcess>();

  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon();
    await addUser(daemon, "alice", `${LOGIN},${OTHER}`);
    client = await sshClient(daemon, "alice", LOGIN);
    digests = await startDigestServer();
    folder = mkdtempSync(path.join(tmpdir(), "forwarding-"));
    chmodSync(folder, 0o777);
  });
  afterEach(async () => {
    for (const child of clients) await ended(child);
    clients.clear();
  });
  after(async () => {
    digests?.close();
    await daemon?.remove();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const destination = (login: string): string[] => [
    ...client.args,
    ...ALIAS,
    "-p",
    String(daemon.ports.node),
    `${login}@127.0.0.1`,
  ];

  /** Starts `ssh -N` and waits for it to say that the forwarding stands. */
  async function forward(flags: readonly string[], ready: string, login = LOGIN): Promise<ChildProcess> {
    const child = spawn("ssh", ["-N", "-v", ...flags, ...destination(login)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    clients.add(child);
    await said(child.stderr, ready);
    return child;
  }

  async function ended(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "close");
  }

  /** Sends data and ends that half; resolves with what comes back on the other. */
  async function exchange(target: net.NetConnectOpts, data: Buffer): Promise<string> {
    const socket = net.connect({ ...target, allowHalfOpen: true });
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.end(data);
    await once(socket, "close");
    return answer;
  }

  const digest = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

  /** Resolves when nobody listens there any more. */
  async function closed(target: net.NetConnectOpts): Promise<void> {
    for (;;) {
      const socket = net.connect(target);
      const open = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      socket.destroy();
      if (!open) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function withOptions(options: Partial<RoleOptions>, work: () => Promise<void>): Promise<void> {
    const admin = await withAdmin(daemon, async (api) => {
      const role = await api.getRole("admin");
      await api.upsertRole({
        ...role,
        spec: { ...role.spec, options: { ...role.spec.options, ...options } },
      });
      return role;
    });
    await work().finally(() => withAdmin(daemon, (api) => api.upsertRole(admin)));
  }

  it("-L carries bytes both ways with half-close, and audits how many", async () => {
    const [local] = (await freePorts(1)) as [number];
    await forward(["-L", `${local}:127.0.0.1:${digests.port}`], READY);
    const data = randomBytes(3_000_000);
    assert.equal(await exchange({ port: local, host: "127.0.0.1" }, data), digest(data));
    const addr = `127.0.0.1:${digests.port}`;
    await daemon.audited((event) => event.code === "T3003I" && event.addr === addr && event.kind === "local");
    const carried = await daemon.audited((event) => event.event === "session.data" && event.addr === addr);
    assert.deepEqual([carried.rx, carried.tx], [data.length, 64]);
  });

  it("-L carries two hundred connections at once", async () => {
    const [local] = (await freePorts(1)) as [number];
    await forward(["-L", `${local}:127.0.0.1:${digests.port}`], READY);
    const all = Array.from({ length: 200 }, (_, i) => Buffer.from(`connection ${i}`));
    const answers = await Promise.all(all.map((data) => exchange({ port: local, host: "127.0.0.1" }, data)));
    assert.deepEqual(answers, all.map(digest));
  });

  it("-D reaches a target by SOCKS", async () => {
    const [local] = (await freePorts(1)) as [number];
    await forward(["-D", String(local)], READY);
    const socket = net.connect({ port: local, host: "127.0.0.1", allowHalfOpen: true });
    const received: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    // SOCKS4: connect to an IPv4 address; the answer has 8 bytes.
    const request = Buffer.from([4, 1, digests.port >> 8, digests.port & 255, 127, 0, 0, 1, 0]);
    socket.end(Buffer.concat([request, Buffer.from("by socks")]));
    await once(socket, "close");
    assert.equal(Buffer.concat(received).subarray(8).toString(), digest(Buffer.from("by socks")));
  });

  it("-R listens on the node, on the loopback address alone, and goes with the client", async () => {
    const [remote] = (await freePorts(1)) as [number];
    const ssh = await forward(
      ["-R", `0.0.0.0:${remote}:127.0.0.1:${digests.port}`],
      "remote forward success",
    );
    const data = randomBytes(3_000_000);
    assert.equal(await exchange({ port: remote, host: "127.0.0.1" }, data), digest(data));
    const addr = `127.0.0.1:${remote}`;
    await daemon.audited(
      (event) => event.code === "T3003I" && event.addr === addr && event.kind === "listener",
    );
    await daemon.audited(
      (event) => event.code === "T3003I" && event.addr === addr && event.kind === "remote",
    );
    const carried = await daemon.audited((event) => event.event === "session.data" && event.addr === addr);
    assert.deepEqual([carried.rx, carried.tx], [64, data.length]);
    await ended(ssh, "SIGKILL");
    await closed({ port: remote, host: "127.0.0.1" });
  });

  it("-R with port 0 takes a free port and tells which", async () => {
    const child = spawn("ssh", ["-N", "-R", `0:127.0.0.1:${digests.port}`, ...destination(LOGIN)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    clients.add(child);
    let text = "";
    const port = await new Promise<number>((resolve) =>
      child.stderr.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        const found = /Allocated port (\d+) for remote forward/.exec(text)?.[1];
        if (found !== undefined) resolve(Number(found));
      }),
    );
    assert.equal(await exchange({ port, host: "127.0.0.1" }, Buffer.from("x")), digest(Buffer.from("x")));
  });

  it("-R fails for a port that is taken, and for a privileged one where the login is not root", async () => {
    for (const [login, port, reason] of [
      [LOGIN, digests.port, /EADDRINUSE/],
      [OTHER, 81, /only root may listen on ports below 1024/],
    ] as const) {
      const flags = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", `${port}:127.0.0.1:${digests.port}`];
      const { code, stderr } = await run("ssh", [...flags, ...destination(login)]);
      assert.equal(code, 255);
      assert.match(stderr, /remote port forwarding failed/);
      const event = await daemon.audited((e) => e.code === "T3003E" && e.addr === `127.0.0.1:${port}`);
      assert.match(String(event.error), reason);
    }
  });

  it("a forwarding of a shared connection can be cancelled", async () => {
    const [remote] = (await freePorts(1)) as [number];
    const control = path.join(folder, "control");
    const shared = ["-o", `ControlPath=${control}`];
    await forward(["-M", ...shared], READY);
    const spec = ["-R", `${remote}:127.0.0.1:${digests.port}`];
    await succeed("ssh", [...shared, "-O", "forward", ...spec, ...destination(LOGIN)]);
    const data = Buffer.from("shared");
    assert.equal(await exchange({ port: remote, host: "127.0.0.1" }, data), digest(data));
    await succeed("ssh", [...shared, "-O", "cancel", ...spec, ...destination(LOGIN)]);
    await closed({ port: remote, host: "127.0.0.1" });
  });

  it("-L to a Unix socket connects with the rights of the login, and with no others", async () => {
    const open = path.join(folder, "open.sock");
    const secret = path.join(folder, "secret.sock");
    const servers = [open, secret].map((file) =>
      net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(file),
    );
    await Promise.all(servers.map((server) => once(server, "listening")));
    chmodSync(open, 0o666);
    chmodSync(secret, 0o600);
    try {
      const [a, b] = (await freePorts(2)) as [number, number];
      const ssh = await forward(["-L", `${a}:${open}`, "-L", `${b}:${secret}`], READY, OTHER);
      assert.equal(await exchange({ port: a, host: "127.0.0.1" }, Buffer.from("echo")), "echo");
      const refused = net.connect({ port: b, host: "127.0.0.1" });
      refused.on("error", () => undefined);
      await once(refused, "close");
      const event = await daemon.audited((e) => e.code === "T3003E" && e.addr === `unix:${secret}`);
      assert.match(String(event.error), /EACCES/);
      const carried = await daemon.audited((e) => e.event === "session.data" && e.addr === `unix:${open}`);
      assert.deepEqual([carried.login, carried.rx, carried.tx], [OTHER, 4, 4]);
      await ended(ssh);
    } finally {
      for (const server of servers) server.close();
    }
  });

  it("-R of a Unix socket makes one that the login alone may use, and removes it at the end", async () => {
    const socket = path.join(folder, "remote.sock");
    const ssh = await forward(["-R", `${socket}:127.0.0.1:${digests.port}`], "remote forward success", OTHER);
    const made = statSync(socket);
    assert.equal(made.mode & 0o777, 0o600);
    assert.equal(made.uid, 1);
    const data = randomBytes(100_000);
    assert.equal(await exchange({ path: socket }, data), digest(data));
    await daemon.audited(
      (event) => event.code === "T3003I" && event.addr === `unix:${socket}` && event.kind === "remote",
    );
    await ended(ssh, "SIGKILL");
    // A process of the login removes it.
    while (existsSync(socket)) await new Promise((resolve) => setImmediate(resolve));
    await closed({ path: socket });
  });

  it("-R of a Unix socket fails where the path exists or the login may not write", async () => {
    const taken = path.join(folder, "taken");
    writeFileSync(taken, "kept");
    for (const [file, reason] of [
      [taken, /EADDRINUSE/],
      ["/etc/teleport-test.sock", /EACCES/],
    ] as const) {
      const flags = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", `${file}:127.0.0.1:${digests.port}`];
      const { code } = await run("ssh", [...flags, ...destination(OTHER)]);
      assert.equal(code, 255);
      const event = await daemon.audited((e) => e.code === "T3003E" && e.addr === `unix:${file}`);
      assert.match(String(event.error), reason);
    }
    assert.equal(statSync(taken).size, 4);
    assert.equal(existsSync("/etc/teleport-test.sock"), false);
  });

  it("a role without port_forwarding refuses all of them", async () => {
    await withOptions({ port_forwarding: false }, async () => {
      const barred = await sshClient(daemon, "alice", LOGIN, "2h");
      const to = [...barred.args, ...ALIAS, "-p", String(daemon.ports.node), `${LOGIN}@127.0.0.1`];
      const through = await run("ssh", ["-W", `127.0.0.1:${digests.port}`, ...to]);
      assert.match(through.stderr, /port forwarding not allowed/);
      for (const spec of ["0:127.0.0.1:1", `${folder}/barred.sock:127.0.0.1:1`]) {
        const { code } = await run("ssh", ["-N", "-o", "ExitOnForwardFailure=yes", "-R", spec, ...to]);
        assert.equal(code, 255);
      }
      await daemon.audited(
        (e) => e.code === "T3003E" && e.addr === "127.0.0.1:0" && e.error === "port forwarding not allowed",
      );
      await daemon.audited((e) => e.code === "T3003E" && e.addr === `unix:${folder}/barred.sock`);
    });
  });

  it("ends what is forwarded when the role takes the option away", async () => {
    const [local, remote] = (await freePorts(2)) as [number, number];
    const own = await startDigestServer();
    const target = `127.0.0.1:${own.port}`;
    await forward(["-L", `${local}:${target}`, "-R", `${remote}:${target}`], "remote forward success");
    const sockets = [local, remote].map((port) => net.connect({ port, host: "127.0.0.1" }));
    // Both have got through to the target when the event is there.
    const through = (addr: string): Promise<unknown> =>
      daemon.audited((e) => e.code === "T3003I" && e.kind !== "listener" && e.addr === addr);
    await Promise.all([through(target), through(`127.0.0.1:${remote}`)]);
    const ends = Promise.all(sockets.map((socket) => once(socket.resume(), "close")));
    await withOptions({ port_forwarding: false }, async () => {
      await ends;
      await closed({ port: remote, host: "127.0.0.1" });
    });
    own.close();
  });

  it("the client's agent answers on the node, and its use is audited", async function () {
    needProgram(this, "ssh-agent", "ssh-add");
    const key = path.join(client.folder, "id");
    const command = [
      `ssh-add -q ${key} 2>/dev/null`,
      `ssh -A ${destination(LOGIN).join(" ")} 'ssh-add -l'`,
    ].join("; ");
    assert.match(await succeed("ssh-agent", ["sh", "-c", command]), /SHA256:/);
    await daemon.audited((event) => event.code === "T3003I" && event.kind === "agent");
  });
});

describe("e2e: a node that does not forward", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  before(async function () {
    needProgram(this, "ssh");
    daemon = await startDaemon({ ssh_service: { port_forwarding: "no" } });
    await addUser(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());

  it("says so, whatever the roles say", async () => {
    const { args } = await sshClient(daemon, "alice", LOGIN);
    const to = [...args, ...ALIAS, "-p", String(daemon.ports.node), `${LOGIN}@127.0.0.1`];
    const { stderr } = await run("ssh", ["-W", "127.0.0.1:1", ...to]);
    assert.match(stderr, /this node does not forward ports/);
  });
});
