/** Sessions recorded at the proxy, beyond the ways of the matrix: where the agent comes from, whom the proxy trusts, and crashes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { startAgent, type Agent } from "./kit/agent.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { freePorts } from "./kit/ports.js";
import { needProgram, ours, run, succeed, type Outcome } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { startSshd, type StockSshd } from "./kit/sshd.js";
import { addUser, PASSWORD, sshClient, type SshClient } from "./kit/users.js";
import { LOGIN } from "./kit/ways.js";

const NODE = "node1.example.test";

describe("e2e: recording at the proxy", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let sshd: StockSshd;
  let client: SshClient;
  let agent: Agent;

  before(async function () {
    needProgram(this, "ssh", "sshd", "sftp", "rsync", "git", "ssh-agent", "/usr/bin/python3");
    daemon = await startDaemon({ auth_service: { session_recording: "proxy" } });
    await addUser(daemon, "alice", LOGIN);
    client = await sshClient(daemon, "alice", LOGIN);
    // An address is no name of the cluster: this line vouches for any host.
    const trusted = path.join(client.folder, "known_hosts");
    writeFileSync(
      trusted,
      readFileSync(trusted, "utf8").replace(/^@cert-authority \S+/gm, "@cert-authority *"),
    );
    sshd = await startSshd(daemon);
    agent = startAgent(path.join(client.folder, "id"));
  });
  after(async () => {
    agent?.stop();
    sshd?.stop();
    await daemon?.remove();
  });

  /** Arguments of the OpenSSH programs that lead through the proxy, forwarding the agent to the target alone. */
  const jump = (): string[] => [...client.args, "-A", "-J", client.jump];
  const sshdAt = (): string[] => ["-p", `${sshd.port}`, `${LOGIN}@${sshd.host}`];
  const ssh = (args: readonly string[], input = ""): Promise<Outcome> =>
    run("ssh", [...args], { env: agent.env, input });
  const file = (name: string): string => path.join(client.folder, name);

  it("takes the agent that is forwarded to the target, as ssh -A with -J offers it", async () => {
    const { code, stdout, stderr } = await ssh([...jump(), ...sshdAt(), "cat; echo err >&2; exit 9"], "in\n");
    assert.deepEqual({ code, stdout, stderr }, { code: 9, stdout: "in\n", stderr: "err\n" });
  });

  it("names the agent where there is none", async () => {
    const args = client.args.map((arg) => (arg === "BatchMode=yes" ? "ForwardAgent=no" : arg));
    const { code, stderr } = await ssh([...args, "-J", client.jump, ...sshdAt(), "true"]);
    assert.equal(code, 255);
    assert.match(stderr, /user agent required to connect to remote host/);
    const refusal = await daemon.audited(
      ({ code, error }) => code === "T3007W" && /agent/.test(String(error)),
    );
    assert.equal(refusal.user, "alice");
  });

  it("passes an exit signal on", async () => {
    const { code } = await ssh([...jump(), ...sshdAt(), "kill -TERM $$"]);
    assert.equal(code, 255);
    const event = await daemon.audited(
      ({ event, command }) => event === "exec" && command === "kill -TERM $$",
    );
    assert.equal(event.exitError, "signal: SIGTERM");
  });

  it("carries sftp, rsync and git to a stock sshd, and audits them", async () => {
    const transport = ["ssh", ...jump(), "-p", `${sshd.port}`].join(" ");
    const env = { ...agent.env, GIT_SSH_COMMAND: transport };
    mkdirSync(file("tree"));
    writeFileSync(file("tree/a"), Buffer.alloc(300_000, "data"));
    await succeed(
      "rsync",
      ["-a", "-e", transport, `${file("tree")}/`, `${LOGIN}@${sshd.host}:${file("synced")}`],
      {
        env,
      },
    );
    assert.deepEqual(readFileSync(file("synced/a")), readFileSync(file("tree/a")));

    const batch = `get ${file("tree/a")} ${file("fetched")}\n`;
    await succeed("sftp", [...jump(), "-P", `${sshd.port}`, "-b", "-", `${LOGIN}@${sshd.host}`], {
      env,
      input: batch,
    });
    assert.deepEqual(readFileSync(file("fetched")), readFileSync(file("tree/a")));
    const subsystem = await daemon.audited(({ code }) => code === "T3001I");
    assert.equal(subsystem.name, "sftp");
    assert.equal(subsystem.user, "alice");

    await succeed("git", ["init", "-q", file("origin")]);
    const author = ["-c", "user.name=a", "-c", "user.email=a@example.test"];
    await succeed("git", ["-C", file("origin"), ...author, "commit", "-q", "--allow-empty", "-m", "first"]);
    await succeed("git", ["clone", "-q", `ssh://${LOGIN}@${sshd.host}${file("origin")}`, file("clone")], {
      env,
    });
    assert.match(await succeed("git", ["-C", file("clone"), "log", "--format=%s"]), /first/);
  });

  it("puts what happens on our node on record once, whichever way it was reached", async () => {
    assert.equal((await ssh([...jump(), `${LOGIN}@${NODE}`, "true proxied"])).code, 0);
    const direct = ["-o", `HostKeyAlias=${NODE}`, "-p", `${daemon.ports.node}`, `${LOGIN}@127.0.0.1`];
    assert.equal((await ssh([...client.args, ...direct, "true direct"])).code, 0);
    for (const command of ["true proxied", "true direct"]) {
      await daemon.audited((event) => event.event === "exec" && event.command === command);
      const starts = daemon
        .audit()
        .filter((event) => event.event === "session.start" && String(event.initial_command) === command);
      assert.equal(starts.length, 1, command);
    }
  });

  it("forwards ports and sockets of a stock sshd both ways, and audits them", async () => {
    const server = createServer((socket) => socket.end("from the server"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const [local] = (await freePorts(1)) as [number];
    const there = file("listener.sock");
    const forwards = ["-R", `${local}:127.0.0.1:${port}`, "-R", `${there}:127.0.0.1:${port}`];
    const read = (family: string, address: string): string =>
      `/usr/bin/python3 -c 'import socket; s = socket.socket(socket.${family}); s.connect(${address}); print(s.recv(99))'`;
    try {
      const { stdout, stderr } = await ssh([
        ...[...jump(), "-o", "ExitOnForwardFailure=yes", ...forwards, ...sshdAt()],
        `${read("AF_INET", `("127.0.0.1", ${local})`)}; ${read("AF_UNIX", `"${there}"`)}`,
      ]);
      assert.equal(stdout, "b'from the server'\nb'from the server'\n", stderr);
      for (const addr of [`localhost:${local}`, `unix:${there}`]) {
        await daemon.audited(
          (event) => event.event === "port" && event.kind === "remote" && event.addr === addr,
        );
      }
    } finally {
      server.close();
    }
  });

  it("refuses a login that the roles do not grant, before the target hears of it", async () => {
    const { code, stderr } = await ssh([...jump(), "-p", `${sshd.port}`, `nobody@${sshd.host}`, "true"]);
    assert.equal(code, 255);
    assert.match(stderr, /Permission denied/);
  });

  it("refuses a target without a host certificate, and accepts it with proxy_checks_host_keys: no", async () => {
    const plain = await startSshd(daemon, { hostCertificate: false });
    try {
      const args = [...jump(), "-p", `${plain.port}`, `${LOGIN}@${plain.host}`, "echo in"];
      const refused = await ssh(args);
      assert.equal(refused.code, 255);
      assert.match(refused.stderr, /remote host presented a public key, expected a host certificate/);

      const strict = readFileSync(daemon.configFile, "utf8");
      await daemon.stop();
      writeFileSync(
        daemon.configFile,
        strict.replace("session_recording: proxy", "session_recording: proxy\n  proxy_checks_host_keys: no"),
      );
      await daemon.restart();
      const accepted = await ssh(args);
      assert.equal(accepted.stdout, "in\n", accepted.stderr);
      await daemon.logged("a target has not proven who it is");
      await daemon.stop();
      writeFileSync(daemon.configFile, strict);
      await daemon.restart();
    } finally {
      plain.stop();
    }
  });

  it("recovers the recording of a session that the death of the proxy cut off", async () => {
    const session = spawn("ssh", [...jump(), "-tt", ...sshdAt()], { env: { ...process.env, ...agent.env } });
    const shown = said(session.stdout, "before-42-death");
    session.stdin.write("echo before-$((40+2))-death\n");
    await shown;
    await daemon.stop("SIGKILL");
    session.stdin.end();
    await daemon.restart();
    const end = await daemon.audited(
      ({ event, interrupted }) => event === "session.end" && interrupted === true,
    );
    await daemon.audited(({ event, sid }) => event === "session.upload" && sid === end.sid);
    const home = path.join(daemon.folder, "tsh");
    const login = ["login", `--proxy=127.0.0.1:${daemon.ports.web}`, "--user=alice", "--insecure"];
    const env = { TELEPORT_HOME: home };
    await succeed(ours("tsh"), login, { env, input: `${PASSWORD}\n` });
    assert.match(await succeed(ours("tsh"), ["play", String(end.sid)], { env }), /before-42-death/);
  });
});
