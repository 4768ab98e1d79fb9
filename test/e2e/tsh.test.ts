/** tsh as its user runs it: from the login to the played recording. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { freePorts } from "./kit/ports.js";
import { needProgram, ours, run, succeed, type Outcome, type RunOptions } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { addUser, PASSWORD, totp, type User } from "./kit/users.js";

const LOGIN = process.env.USER ?? "root";
const AT_NODE = `${LOGIN}@node1`;

describe("e2e: tsh", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let alice: User;
  let home: string;

  before(async function () {
    needProgram(this, "expect", "ssh-keygen", "ssh-agent");
    daemon = await startDaemon({ auth_service: { authentication: { second_factor: "otp" } } });
    alice = await addUser(daemon, "alice", LOGIN);
    home = path.join(daemon.folder, "tsh");
    const { code, stderr } = await login("alice", PASSWORD, totp(alice.secret, 30));
    assert.equal(code, 0, stderr);
  });
  after(() => daemon?.remove());

  const env = (): Record<string, string> => ({ TELEPORT_HOME: home, SSH_AUTH_SOCK: "" });
  const tsh = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
    run(ours("tsh"), args, { ...options, env: { ...env(), ...options.env } });
  const proxy = (): string => `--proxy=127.0.0.1:${daemon.ports.web}`;
  const login = (user: string, password: string, code: string): Promise<Outcome> =>
    tsh(["login", proxy(), `--user=${user}`, "--insecure"], { input: `${password}\n${code}\n` });
  const file = (name: string): string => path.join(daemon.folder, name);
  /** Runs tsh on a terminal and answers it; returns what the terminal showed and the exit code. */
  const onTerminal = async (
    args: string,
    ...dialogue: [pattern: string, answer: string][]
  ): Promise<Outcome> => {
    const script = [
      "set timeout 20",
      `spawn ${ours("tsh")} ${args}`,
      ...dialogue.flatMap(([pattern, answer]) => [
        "expect {",
        `  -re {${pattern}} {}`,
        "  timeout {exit 99}",
        "  eof {exit 98}",
        "}",
        `send -- {${answer}}`,
        `send "\\r"`,
      ]),
      "expect eof",
      "catch wait result",
      "exit [lindex $result 3]",
      "",
    ];
    return run("expect", ["-f", "-"], { input: script.join("\n"), env: { ...env(), TERM: "xterm" } });
  };

  it("refuses a wrong password and a wrong code in the same words, with exit code 1", async () => {
    for (const [password, code] of [
      ["wrong password", "000000"],
      [PASSWORD, "000000"],
    ] as const) {
      const outcome = await tsh(["login", proxy(), "--user=alice", "--insecure", "--ttl=5"], {
        input: `${password}\n${code}\n`,
        env: { TELEPORT_HOME: file("elsewhere") },
      });
      assert.equal(outcome.code, 1);
      assert.match(outcome.stderr, /error: invalid username, password or second factor/);
    }
  });

  it("names the flag that helps where the web certificate is not trusted", async () => {
    const { code, stderr } = await tsh(["login", proxy(), "--user=alice"], {
      env: { TELEPORT_HOME: file("elsewhere") },
    });
    assert.equal(code, 1);
    assert.match(stderr, /--insecure/);
  });

  it("keeps keys and certificates for their owner alone, in 4.2's layout", async () => {
    const keys = path.join(home, "keys", "127.0.0.1");
    assert.deepEqual(readdirSync(keys).sort(), [
      "alice",
      "alice-cert.pub",
      "alice-x509.pem",
      "alice.pub",
      "certs.pem",
    ]);
    for (const name of ["alice", "alice-cert.pub", "alice-x509.pem", "alice.pub"]) {
      assert.equal(statSync(path.join(keys, name)).mode & 0o777, 0o600, name);
    }
    assert.ok(lstatSync(path.join(home, "profile")).isSymbolicLink());
    assert.match(readFileSync(path.join(home, "known_hosts"), "utf8"), /example\.test ssh-rsa /);
    const certificate = await succeed("ssh-keygen", ["-L", "-f", path.join(keys, "alice-cert.pub")]);
    assert.match(certificate, /Signing CA: RSA .*rsa-sha2-512/);
    assert.match(certificate, /Key ID: "alice"/);
  });

  it("shows status, nodes by label, and clusters", async () => {
    assert.match((await tsh(["status"])).stdout, /Logged in as: +alice\n/);
    assert.match((await tsh(["ls"])).stdout, /node1 +127\.0\.0\.1:\d+ +env=dev/);
    assert.match((await tsh(["ls", "env=dev"])).stdout, /node1/);
    assert.doesNotMatch((await tsh(["ls", "env=prod"])).stdout, /node1/);
    assert.match((await tsh(["clusters"])).stdout, /example\.test +online/);
  });

  it("runs a command: streams apart, 8-bit clean, exit code passed on", async () => {
    const { code, stdout, stderr } = await tsh(["ssh", AT_NODE, "echo out; echo err >&2; exit 42"]);
    assert.equal(code, 42);
    assert.equal(stdout, "out\n");
    assert.equal(stderr, "err\nerror: Process exited with status 42\n");
    const bytes = await succeed(ours("tsh"), ["ssh", AT_NODE, "printf '\\000\\377\\r\\n' | od -An -tx1"], {
      env: env(),
    });
    assert.equal(bytes.trim(), "00 ff 0d 0a");
  });

  it("carries rsync, which a single stray byte on stdout would break", async () => {
    mkdirSync(file("tree"), { recursive: true });
    writeFileSync(path.join(file("tree"), "f"), "content");
    await succeed(
      "rsync",
      ["-a", "-e", `${ours("tsh")} ssh`, `${file("tree")}/`, `${AT_NODE}:${file("tree2")}/`],
      { env: env() },
    );
    assert.equal(readFileSync(path.join(file("tree2"), "f"), "utf8"), "content");
  });

  it("gives an interactive shell, records it, and plays the recording", async () => {
    const { code, stdout } = await onTerminal(
      `ssh ${AT_NODE}`,
      ["[#$] ", "echo recorded-$((40 + 2)); echo sid=$SSH_SESSION_ID"],
      ["sid=[0-9a-f-]+", "exit 7"],
    );
    assert.equal(code, 7, stdout);
    const sid = /sid=([0-9a-f-]{36})/.exec(stdout)![1]!;
    await daemon.audited((event) => event.event === "session.upload" && event.sid === sid);
    const played = await tsh(["play", sid]);
    assert.equal(played.code, 0, played.stderr);
    assert.match(played.stdout, /recorded-42/);
    const start = await daemon.audited((event) => event.event === "session.start" && event.sid === sid);
    assert.match(String(start.size), /^\d+:\d+$/);
    const end = await daemon.audited((event) => event.event === "session.end" && event.sid === sid);
    assert.equal(end.interactive, true);
    assert.deepEqual(end.participants, ["alice"]);
  });

  it("copies files and folders both ways", async () => {
    mkdirSync(path.join(file("dir"), "sub"), { recursive: true });
    const content = Buffer.alloc(300_000, "abc");
    writeFileSync(path.join(file("dir"), "sub", "big"), content);
    assert.equal((await tsh(["scp", "-r", file("dir"), `${AT_NODE}:${file("dir-there")}`])).code, 0);
    assert.equal((await tsh(["scp", "-r", `${AT_NODE}:${file("dir-there")}`, file("dir-back")])).code, 0);
    const copied = readFileSync(path.join(file("dir-back"), "sub", "big"));
    assert.equal(
      createHash("sha256").update(copied).digest("hex"),
      createHash("sha256").update(content).digest("hex"),
    );
    const missing = await tsh(["scp", `${AT_NODE}:/no/such`, file("x")]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /[Nn]o such file/);
  });

  it("forwards a port", async () => {
    const target = net.createServer((socket) => socket.end("through the node"));
    target.listen(0, "127.0.0.1");
    await once(target, "listening");
    const [local] = (await freePorts(1)) as [number];
    const spec = `${local}:127.0.0.1:${(target.address() as net.AddressInfo).port}`;
    const forward = spawn(ours("tsh"), ["ssh", "-L", spec, AT_NODE, "echo up; cat"], {
      env: { ...process.env, ...env() },
    });
    try {
      await said(forward.stdout, "up");
      const socket = net.connect(local, "127.0.0.1");
      let answer = "";
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
      await once(socket, "close");
      assert.equal(answer, "through the node");
    } finally {
      forward.kill();
      target.close();
    }
  });

  it("refuses a denied login and an unknown host with one line", async () => {
    const denied = await tsh(["ssh", "daemon@node1", "true"]);
    assert.equal(denied.code, 1);
    assert.match(denied.stderr, /^error: access denied to daemon connecting to node1/m);
    const unknown = await tsh(["ssh", `${LOGIN}@nohost`, "true"]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /nohost/);
  });

  it("puts the certificate into an agent, and takes it out at logout", async () => {
    const socket = file("agent.sock");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      await said(agent.stdout, "SSH_AUTH_SOCK");
      const other = { TELEPORT_HOME: file("tsh-agent"), SSH_AUTH_SOCK: socket };
      const bob = await addUser(daemon, "bob", LOGIN);
      const done = await tsh(["login", proxy(), "--user=bob", "--insecure"], {
        input: `${PASSWORD}\n${totp(bob.secret, 30)}\n`,
        env: other,
      });
      assert.equal(done.code, 0, done.stderr);
      assert.match(await succeed("ssh-add", ["-l"], { env: other }), /teleport:bob \(RSA-CERT\)/);
      assert.match((await tsh(["logout"], { env: other })).stdout, /Logged out all users from all proxies\./);
      assert.match((await run("ssh-add", ["-l"], { env: other })).stdout, /no identities/);
    } finally {
      agent.kill();
    }
  });

  it("deletes a user without touching one whose name it begins", async () => {
    await addUser(daemon, "al", LOGIN);
    assert.match(await daemon.tctl("users", "rm", "al"), /User 'al' has been deleted/);
    assert.match(await daemon.tctl("users", "ls"), /alice/);
    assert.equal((await tsh(["ssh", AT_NODE, "true"])).code, 0);
  });

  it("is quick to say its version", async () => {
    const { code, stdout } = await tsh(["version"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Teleport v\d+\.\d+\.\d+ git:/);
  });
});
