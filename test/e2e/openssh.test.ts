/** Stock OpenSSH with default options, a certificate and the CA line, against our proxy and node. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connectWhenOpen } from "./kit/connect-when-open.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { startDigestServer } from "./kit/digest-server.js";
import { freePorts } from "./kit/ports.js";
import { needProgram, run, succeed, type Outcome } from "./kit/programs.js";
import { addUser, sshClient, type SshClient } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
/** By this name the CA line of `tctl auth export` vouches for the node. */
const NODE = "node1.example.test";
const at = (host: string): string => `${LOGIN}@${host}`;

describe("e2e: stock OpenSSH", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let client: SshClient;

  before(async function () {
    needProgram(this, "ssh", "scp", "sftp", "rsync", "git");
    daemon = await startDaemon();
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
  });
  after(() => daemon?.remove());

  const jump = (): string[] => [...client.args, "-J", client.jump];
  const ssh = (...command: string[]): Promise<Outcome> => run("ssh", [...jump(), at(NODE), ...command]);
  /** A transport for programs that take `-e` or GIT_SSH_COMMAND. */
  const transport = (): string => ["ssh", ...jump()].join(" ");
  const file = (name: string): string => path.join(client.folder, name);

  it("runs a command through the jump host, and keeps stdout, stderr and the exit code apart", async () => {
    const { code, stdout, stderr } = await ssh("echo out; echo err >&2; exit 7");
    assert.equal(stdout, "out\n");
    assert.equal(stderr, "err\n");
    assert.equal(code, 7);
  });

  it("reaches the node by the proxy subsystem, as a ProxyCommand uses it", async () => {
    const proxyCommand = `ssh -F ${client.folder}/config -p ${daemon.ports.ssh} ${LOGIN}@127.0.0.1 -s proxy:%h:%p`;
    const args = [...client.args, "-o", `ProxyCommand=${proxyCommand}`, at(NODE), "echo hello"];
    assert.equal(await succeed("ssh", args), "hello\n");
  });

  it("reaches the node by name.cluster, UUID and address", async () => {
    const nodes = JSON.parse(await daemon.tctl("get", "nodes", "--format=json")) as unknown;
    const [node] = (Array.isArray(nodes) ? nodes : [nodes]) as [{ metadata: { name: string } }];
    const alias = ["-o", `HostKeyAlias=${NODE}`];
    for (const name of ["node1", NODE, node.metadata.name, `${node.metadata.name}.example.test`]) {
      assert.equal(await succeed("ssh", [...jump(), ...alias, at(name), "echo hello"]), "hello\n", name);
    }
    const port = ["-p", String(daemon.ports.node)];
    assert.equal(
      await succeed("ssh", [...jump(), ...alias, ...port, at("127.0.0.1"), "echo hello"]),
      "hello\n",
    );
  });

  it("connects to the node directly", async () => {
    const direct = ["-o", `HostKeyAlias=${NODE}`, "-p", String(daemon.ports.node)];
    assert.equal(await succeed("ssh", [...client.args, ...direct, at("127.0.0.1"), "echo hello"]), "hello\n");
  });

  it("passes input through and ends it", async () => {
    const { stdout } = await run("ssh", [...jump(), at(NODE), "tr a-z A-Z"], { input: "abc\n" });
    assert.equal(stdout, "ABC\n");
  });

  it("gives a terminal of the asked size, with its modes, and the environment of a session", async () => {
    const { stdout } = await run(
      "ssh",
      [...jump(), "-tt", at(NODE), "stty size; echo $TERM $SSH_TELEPORT_USER"],
      {
        env: { TERM: "vt220" },
      },
    );
    assert.match(stdout, /^\d+ \d+\r\n/);
    assert.match(stdout, /vt220 alice/);
  });

  it("passes the exit signal of a killed command on", async () => {
    const { code, stderr } = await ssh("kill -TERM $$");
    assert.notEqual(code, 0);
    assert.ok(code === 255 || code === 143, `${code}: ${stderr}`);
  });

  it("refuses and audits a target that is no registered node: the proxy is no relay", async () => {
    const { code, stderr } = await run("ssh", [...jump(), `${LOGIN}@internal.example`, "true"]);
    assert.equal(code, 255);
    assert.match(stderr, /no node of cluster example\.test is registered as internal\.example/);
    const event = await daemon.audited(
      ({ code, addr }) => code === "T3003E" && addr === "internal.example:22",
    );
    assert.equal(event.user, "alice");
    assert.equal(event.success, false);
  });

  it("refuses a shell and a command on the proxy itself", async () => {
    const args = [...client.args, "-p", String(daemon.ports.ssh), `${LOGIN}@127.0.0.1`];
    const { code, stderr } = await run("ssh", [...args, "id"]);
    assert.notEqual(code, 0);
    assert.match(stderr, /proxy doesn't support request type 'exec'/);
  });

  for (const [protocol, flags] of [
    ["sftp", []],
    ["rcp", ["-O"]],
  ] as const) {
    it(`copies files and folders both ways with scp over ${protocol}`, async () => {
      const source = file(`tree-${protocol}`);
      mkdirSync(path.join(source, "sub dir"), { recursive: true });
      writeFileSync(path.join(source, "a"), "alpha");
      writeFileSync(path.join(source, "sub dir", "b"), Buffer.from([0, 255, 10, 13]));
      const scp = [...flags, "-r", ...jump()];
      await succeed("scp", [...scp, source, `${LOGIN}@${NODE}:${file(`there-${protocol}`)}`]);
      await succeed("scp", [
        ...scp,
        `${LOGIN}@${NODE}:${file(`there-${protocol}`)}`,
        file(`back-${protocol}`),
      ]);
      assert.equal(readFileSync(path.join(file(`back-${protocol}`), "a"), "utf8"), "alpha");
      assert.deepEqual(
        readFileSync(path.join(file(`back-${protocol}`), "sub dir", "b")),
        Buffer.from([0, 255, 10, 13]),
      );
    });
  }

  it("audits scp over rcp with its path and direction", async () => {
    writeFileSync(file("audited"), "x");
    await succeed("scp", ["-O", ...jump(), file("audited"), `${LOGIN}@${NODE}:${file("audited-there")}`]);
    const up = await daemon.audited((event) => event.event === "scp" && event.path === file("audited-there"));
    assert.equal(up.action, "upload");
    assert.equal(up.code, "T3005I");
  });

  it("reports a missing file of scp with an exit code", async () => {
    for (const flags of [[], ["-O"]]) {
      const { code, stderr } = await run("scp", [
        ...flags,
        ...jump(),
        `${LOGIN}@${NODE}:/no/such/file`,
        file("x"),
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /No such file/);
    }
  });

  it("serves sftp batches", async () => {
    writeFileSync(file("up"), "by sftp");
    const batch = `put ${file("up")} ${file("sftp-there")}\nget ${file("sftp-there")} ${file("sftp-back")}\nls ${client.folder}\n`;
    await succeed("sftp", ["-b", "-", ...jump(), at(NODE)], { input: batch });
    assert.equal(readFileSync(file("sftp-back"), "utf8"), "by sftp");
  });

  it("serves rsync", async () => {
    mkdirSync(file("rsync"), { recursive: true });
    for (let i = 0; i < 20; i++) writeFileSync(path.join(file("rsync"), `f${i}`), "x".repeat(i * 1000));
    await succeed("rsync", [
      "-a",
      "-e",
      transport(),
      `${file("rsync")}/`,
      `${LOGIN}@${NODE}:${file("rsync-there")}/`,
    ]);
    const again = await succeed("rsync", [
      "-ai",
      "-e",
      transport(),
      `${file("rsync")}/`,
      `${LOGIN}@${NODE}:${file("rsync-there")}/`,
    ]);
    assert.equal(again, "");
  });

  it("serves git", async () => {
    const env = {
      GIT_SSH_COMMAND: transport(),
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_SYSTEM: "/dev/null",
    };
    const repository = file("repo.git");
    const work = file("work");
    await succeed("git", ["init", "-q", "--bare", "-b", "main", repository], { env });
    await succeed("git", ["clone", "-q", `${LOGIN}@${NODE}:${repository}`, work], { env });
    writeFileSync(path.join(work, "f"), "content");
    const git = ["-C", work, "-c", "user.name=t", "-c", "user.email=t@example.test"];
    await succeed("git", [...git, "add", "f"], { env });
    await succeed("git", [...git, "commit", "-q", "-m", "first"], { env });
    await succeed("git", [...git, "push", "-q", "origin", "HEAD:main"], { env });
    assert.match(
      await succeed("git", ["--git-dir", repository, "log", "--oneline", "main"], { env }),
      /first/,
    );
  });

  it("forwards a port both ways with half-close, and audits it", async () => {
    const target = await startDigestServer();
    const { port } = target;
    const [local] = (await freePorts(1)) as [number];
    const forward = spawn("ssh", [...jump(), "-N", "-L", `127.0.0.1:${local}:127.0.0.1:${port}`, at(NODE)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      const data = Buffer.alloc(3_000_000, "forwarded");
      const socket = await connectWhenOpen(local);
      let answer = "";
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
      socket.end(data);
      await once(socket, "close");
      assert.equal(answer, createHash("sha256").update(data).digest("hex"));
    } finally {
      forward.kill();
      target.close();
    }
    await daemon.audited((event) => event.code === "T3003I" && event.addr === `127.0.0.1:${port}`);
  });

  it("audits a session from its start to its end", async () => {
    await ssh("echo audited-session");
    const exec = await daemon.audited(
      (event) => event.event === "exec" && event.command === "echo audited-session",
    );
    assert.equal(exec.exitCode, "0");
    assert.equal(exec.user, "alice");
    assert.equal(exec.login, LOGIN);
    const { sid } = exec;
    await daemon.audited((event) => event.event === "session.start" && event.sid === sid);
    await daemon.audited((event) => event.event === "session.end" && event.sid === sid);
  });
});
