/** tsh ssh with all its flags, against real daemons. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { withAdmin } from "./kit/admin.js";
import { startDaemon, type Daemon } from "./kit/daemon.js";
import { startNode, type JoinedNode } from "./kit/node.js";
import { freePorts } from "./kit/ports.js";
import { needProgram, run, succeed } from "./kit/programs.js";
import { said } from "./kit/said.js";
import { Tsh } from "./kit/tsh.js";
import { addUser } from "./kit/users.js";
import { startXServer } from "./kit/x-server.js";

const LOGIN = process.env.USER ?? "root";
const AT_NODE = `${LOGIN}@node1`;
const FIRST_DISPLAY = 340;
const TOKEN = "node-token-of-the-test";

describe("e2e: tsh ssh", function () {
  this.timeout(120_000);
  let daemon: Daemon;
  let alice: Tsh;
  /** A server on this machine, which forwards lead to. */
  let web: http.Server;
  let webPort: number;
  const running: ChildProcess[] = [];

  before(async function () {
    needProgram(this, "curl", "expect", "ssh-add", "ssh-agent");
    daemon = await startDaemon({
      auth_service: { tokens: [`node:${TOKEN}`] },
      ssh_service: { labels: { group: "a" }, x11: { enabled: "yes", display_offset: FIRST_DISPLAY } },
    });
    await withAdmin(daemon, async (api) => {
      const role = await api.getRole("admin");
      const options = { ...role.spec.options, permit_x11_forwarding: true };
      await api.upsertRole({ ...role, spec: { ...role.spec, options } });
    });
    await addUser(daemon, "alice", LOGIN);
    alice = new Tsh(daemon, "alice");
    await alice.login("alice");
    web = http.createServer((_request, reply) => reply.end("from the web"));
    web.listen(0, "127.0.0.1");
    await once(web, "listening");
    webPort = (web.address() as AddressInfo).port;
  });
  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, "close");
    }
  });
  after(async () => {
    web?.close();
    await daemon?.remove();
  });

  const file = (name: string): string => path.join(daemon.folder, name);
  const get = (...args: string[]): Promise<string> => succeed("curl", ["-sS", "--max-time", "20", ...args]);
  /** Starts tsh with forwards; resolves when they stand. */
  async function forwarding(...flags: string[]): Promise<ChildProcess> {
    const child = alice.start(["ssh", ...flags, AT_NODE, "echo standing; cat"]);
    running.push(child);
    await said(child.stdout!, "standing");
    return child;
  }

  it("-D serves SOCKS 4, 4a and 5, with names and addresses", async () => {
    const [port] = (await freePorts(1)) as [number];
    await forwarding("-D", String(port));
    for (const kind of ["socks4", "socks4a", "socks5", "socks5h"]) {
      const proxy = `${kind}://127.0.0.1:${port}`;
      assert.equal(await get("-x", proxy, `http://localhost:${webPort}/`), "from the web", kind);
    }
    const refused = await run("curl", ["-sS", "-x", `socks5h://127.0.0.1:${port}`, "http://127.0.0.1:1/"]);
    assert.notEqual(refused.code, 0);
    assert.equal(
      await get("-x", `socks5://127.0.0.1:${port}`, `http://127.0.0.1:${webPort}/`),
      "from the web",
    );
  });

  it("-R carries connections back, from a chosen port, a port of the node's choice, a socket, and by SOCKS", async () => {
    const [fixed, dynamic] = (await freePorts(2)) as [number, number];
    const socket = file("remote.sock");
    const target = `127.0.0.1:${webPort}`;
    const flags = [`${fixed}:${target}`, `0:${target}`, `${socket}:${target}`, String(dynamic)];
    const child = alice.start([
      "ssh",
      ...flags.flatMap((flag) => ["-R", flag]),
      AT_NODE,
      "echo standing; cat",
    ]);
    running.push(child);
    let stderr = "";
    child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await said(child.stdout!, "standing");
    const chosen = /^Allocated port (\d+) for remote forward to 127\.0\.0\.1:/m.exec(stderr)?.[1];
    assert.ok(chosen !== undefined, stderr);
    assert.equal(await get(`http://127.0.0.1:${fixed}/`), "from the web");
    assert.equal(await get(`http://127.0.0.1:${chosen}/`), "from the web");
    assert.equal(await get("--unix-socket", socket, "http://x/"), "from the web");
    assert.equal(await get("-x", `socks5h://127.0.0.1:${dynamic}`, `http://${target}/`), "from the web");
  });

  it("-L leads from a Unix socket to a port, and on to a Unix socket of the node", async () => {
    const [near, far] = [file("near.sock"), file("far.sock")];
    await forwarding("-L", `${far}:127.0.0.1:${webPort}`);
    await forwarding("-L", `${near}:${far}`);
    assert.equal(await get("--unix-socket", near, "http://x/"), "from the web");
  });

  it("a forward that fails is a warning, and an end only where that is asked for", async () => {
    const taken = `${webPort}:127.0.0.1:1`;
    const lenient = await alice.run(["ssh", "-L", taken, AT_NODE, "echo went on"]);
    assert.equal(lenient.code, 0);
    assert.equal(lenient.stdout, "went on\n");
    assert.match(lenient.stderr, /WARNING: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/);
    const strict = ["-o", "ExitOnForwardFailure=yes", "-R", `${webPort}:127.0.0.1:1`];
    const ended = await alice.run(["ssh", ...strict, AT_NODE, "echo went on"]);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^error: the node refused to listen on localhost:\d+$/m);
    assert.equal((await alice.run(["ssh", "-N", "-L", taken, AT_NODE])).code, 1);
  });

  it("-N forwards until a signal, which is a success", async () => {
    const [port] = (await freePorts(1)) as [number];
    const child = alice.start([
      "ssh",
      "-N",
      "-R",
      `0:127.0.0.1:${webPort}`,
      "-L",
      `${port}:127.0.0.1:${webPort}`,
      AT_NODE,
    ]);
    running.push(child);
    await said(child.stderr!, "Allocated port");
    assert.equal(await get(`http://127.0.0.1:${port}/`), "from the web");
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "close"), [0, null]);
  });

  it("-A forwards the user's agent, or the login where none runs or only that is wanted", async () => {
    const own = await alice.run(["ssh", "-A", AT_NODE, "ssh-add -l"]);
    assert.match(own.stdout, /teleport:alice \(RSA-CERT\)/);
    const socket = file("agent.sock");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
    running.push(agent);
    await said(agent.stdout, "SSH_AUTH_SOCK");
    const env = { SSH_AUTH_SOCK: socket, TELEPORT_USE_LOCAL_SSH_AGENT: "false" };
    await succeed("ssh-keygen", [
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      "key-of-alice",
      "-f",
      file("own-key"),
    ]);
    await succeed("ssh-add", ["-q", file("own-key")], { env });
    assert.match((await alice.run(["ssh", "-A", AT_NODE, "ssh-add -l"], { env })).stdout, /key-of-alice/);
    const local = await alice.run(["ssh", "-o", "ForwardAgent=local", AT_NODE, "ssh-add -l"], { env });
    assert.match(local.stdout, /teleport:alice/);
    assert.doesNotMatch(local.stdout, /key-of-alice/);
    const none = await alice.run(["ssh", AT_NODE, "ssh-add -l"], { env });
    assert.notEqual(none.code, 0);
  });

  it("-X and -Y show clients of the node on the display of this machine", async function () {
    needProgram(this, "Xvfb", "xauth", "xdpyinfo");
    const screen = await startXServer(daemon.folder);
    try {
      for (const flag of ["-Y", "-X"]) {
        const shown = await alice.run(["ssh", flag, AT_NODE, "xdpyinfo"], { env: screen.env });
        assert.equal(shown.code, 0, shown.stderr);
        assert.match(shown.stdout, /vendor string/);
      }
      const forged = `xauth -q add $DISPLAY MIT-MAGIC-COOKIE-1 ${"00".repeat(16)}; xdpyinfo`;
      const refused = await alice.run(["ssh", "-Y", AT_NODE, forged], { env: screen.env });
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, /an X11 client was not let in: it has not shown the session's cookie/);
      const without = await alice.run(["ssh", "-X", AT_NODE, "echo went on"], { env: { DISPLAY: "" } });
      assert.equal(without.stdout, "went on\n");
      assert.match(without.stderr, /DISPLAY is not set/);
    } finally {
      await screen.stop();
      await run("xauth", ["-q", "remove", `unix:${FIRST_DISPLAY}.0`]);
    }
  });

  it("~. leaves a session that has hung, ~? says what there is", async () => {
    const { code, stdout } = await alice.onTerminal(
      `ssh ${AT_NODE}`,
      ["[#$] ", "~?"],
      ["~~ - send", "sleep 100"],
      ["sleep 100", "~."],
    );
    assert.equal(code, 255, stdout);
    assert.match(stdout, /connection closed by ~\./);
  });

  it("changes no byte of what a full-screen program writes", async () => {
    const { code, stdout } = await alice.onTerminal(`ssh -t ${AT_NODE} {stty raw; printf 'ab\\ncd'}`);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /ab\ncd/);
  });

  it("join shares a terminal: a peer types, an observer does not", async () => {
    const owner = spawn("expect", ["-f", "-"], { env: { ...process.env, ...alice.env } });
    running.push(owner);
    owner.stdin.end(
      [
        "set timeout 60",
        `spawn ${path.join("node_modules", ".bin", "tsh")} ssh ${AT_NODE}`,
        "expect -re {[#$] }",
        'send "echo sid=\\$SSH_SESSION_ID\\r"',
        "expect eof",
        "",
      ].join("\n"),
    );
    let seen = "";
    const sid = await new Promise<string>((resolve) => {
      owner.stdout.on("data", (chunk: Buffer) => {
        seen += chunk.toString();
        const id = /sid=([0-9a-f-]{36})/.exec(seen)?.[1];
        if (id !== undefined) resolve(id);
      });
    });
    const watched = await alice.onTerminal(
      `join --mode=observer ${sid}`,
      ["sid=", "echo typed-by-the-$((1 + 1))nd"],
      ["sid=|.*", "\u0003"],
    );
    assert.equal(watched.code, 0, watched.stdout);
    assert.match(watched.stdout, /you have left the session/);
    assert.doesNotMatch(seen, /typed-by-the-2nd/);
    const typed = await alice.onTerminal(
      `join ${sid}`,
      ["sid=", "echo typed-by-the-$((2 + 1))rd"],
      ["typed-by-the-3rd", "exit 3"],
    );
    assert.equal(typed.code, 3, typed.stdout);
    assert.match(seen, /typed-by-the-3rd/);
    const gone = await alice.run(["join", sid]);
    assert.equal(gone.stderr, `error: session '${sid}' not found or it has ended\n`);
  });

  describe("on nodes with a label", () => {
    const nodes: JoinedNode[] = [];
    before(async () => {
      for (const name of ["node2", "node3"]) {
        nodes.push(await startNode(daemon, { name, token: TOKEN, labels: { group: "a", only: name } }));
      }
    });
    after(() => Promise.all(nodes.map((node) => node.stop())));

    it("runs on all, each output in one piece, and fails where one fails", async () => {
      const command = "for i in 1 2 3 4 5; do echo $i of $SSH_TELEPORT_HOST_UUID; sleep 0.05; done";
      const all = await alice.run(["ssh", `${LOGIN}@group=a`, command]);
      assert.equal(all.code, 0, all.stderr);
      const owners = all.stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" of ")[1]);
      assert.equal(owners.length, 15);
      const runs = owners.filter((owner, i) => owner !== owners[i - 1]);
      assert.equal(runs.length, 3, all.stdout);
      for (const name of ["node1", "node2", "node3"]) {
        assert.match(all.stderr, new RegExp(`^Running command on 127\\.0\\.0\\.1:\\d+ \\(${name}\\):$`, "m"));
      }
      const folder = file("node-node3");
      const some = await alice.run([
        "ssh",
        `${LOGIN}@group=a`,
        `case $(cat ${folder}/host_uuid) in $SSH_TELEPORT_HOST_UUID) exit 7;; esac`,
      ]);
      assert.equal(some.code, 7);
      assert.match(some.stderr, /^error: the command failed on 1 of 3 nodes: node3 \(exit code 7\)$/m);
    });

    it("says so where no node has them", async () => {
      const none = await alice.run(["ssh", `${LOGIN}@group=b`, "true"]);
      assert.equal(none.code, 1);
      assert.match(none.stderr, /^error: no node has these labels/m);
    });

    it("lists them in every format", async () => {
      const names = await alice.run(["ls", "--format=names", "group=a"]);
      assert.equal(names.stdout, "node1\nnode2\nnode3\n");
      const json = JSON.parse((await alice.run(["ls", "--format=json", "only=node2"])).stdout) as {
        spec: { hostname: string };
      }[];
      assert.deepEqual(
        json.map(({ spec }) => spec.hostname),
        ["node2"],
      );
      assert.match((await alice.run(["ls", "--format=yaml", "only=node2"])).stdout, /hostname: node2/);
    });
  });
});
