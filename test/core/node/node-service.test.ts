import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import { LOGIN, NodeFixture, role } from "./node-fixture.js";
import { needPrograms, run } from "./stock-programs.js";

describe("node service", function () {
  this.timeout(60_000);
  let node: NodeFixture;
  before(async function () {
    needPrograms(this, "ssh", "ssh-keygen");
    const dev = role("dev", {
      allow: { logins: [LOGIN], namespaces: ["default"], node_labels: { env: "dev" } },
    });
    const barred = role("barred", { deny: { logins: [LOGIN] } });
    node = await new NodeFixture({ roles: [role("admin"), dev, barred] }).start();
  });
  after(() => node?.close());
  beforeEach(() => (node.auth.events.length = 0));

  describe("refuses and audits", () => {
    const cases: [string, Parameters<NodeFixture["writeIdentity"]>[1], RegExp][] = [
      ["a certificate of another authority", { foreignAuthority: true }, /./],
      ["an expired certificate", { validForMs: -1_000 }, /expired/],
      ["a login that is no principal", { logins: ["somebody-else"] }, /./],
      ["a label that no role allows", { roles: ["dev"] }, /access to server denied/],
      ["a login that a role denies", { roles: ["admin", "barred"] }, /access to server denied/],
      [
        "a certificate whose roles cannot be read",
        { extensions: { "teleport-roles": "{" } },
        /cannot be read/,
      ],
      ["a certificate without roles whose user is unknown", { extensions: {} }, /no user "alice"/],
    ];
    for (const [what, certificate, reason] of cases) {
      it(what, async () => {
        node.writeIdentity(`id-${what.replaceAll(" ", "-")}`, certificate);
        const result = await node.ssh(["echo in"], { identity: `id-${what.replaceAll(" ", "-")}` });
        assert.equal(result.code, 255);
        assert.match(result.stderr, /Permission denied/);
        const event = await node.auth.waitFor(({ event: name }) => name === "auth");
        assert.equal(event["code"], "T3007W");
        assert.equal(event["success"], false);
        assert.equal(event["user"], "alice");
        assert.equal(event["login"], LOGIN);
        assert.match(String(event["error"]), reason);
      });
    }

    it("a terminal, agent or forward that the certificate does not permit", async () => {
      node.writeIdentity("bare", {
        extensions: {
          "teleport-roles": JSON.stringify({ version: "v1", roles: ["admin"] }),
          "teleport-traits": JSON.stringify({ logins: [LOGIN] }),
        },
      });
      const result = await node.ssh(["-tt", "--", "tty"], { identity: "bare" });
      assert.match(result.stderr, /PTY allocation request failed/);
    });
  });

  it("refuses requests and channels that it does not know, and goes on", async () => {
    const unknown = await node.ssh(["-s", "--", "no-such-subsystem"]);
    assert.match(unknown.stderr, /subsystem request failed/);
    const client = await node.connect();
    assert.equal(await client.globalRequest("no-such-request@example.com", true), undefined);
    await assert.rejects(client.openChannel("no-such-channel"), /unknown channel type/);
    assert.notEqual(await client.globalRequest("x-teleport-version", true), undefined);
    client.disconnect("done");
  });

  it("serves many short channels of one connection", async () => {
    const control = join(node.directory, "ctl");
    const base = [...node.clientOptions(), "-p", String(node.port), "-l", LOGIN, "-S", control];
    const master = await run("ssh", [...base, "-M", "-f", "-N", "-o", "ControlPersist=yes", "127.0.0.1"]);
    assert.equal(master.code, 0, master.stderr);
    try {
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, i) => run("ssh", [...base, "127.0.0.1", `echo ${i}; exit ${i}`])),
      );
      results.forEach((result, i) => {
        assert.equal(String(result.stdout), `${i}\n`);
        assert.equal(result.code, i);
      });
    } finally {
      spawnSync("ssh", [...base, "-O", "exit", "127.0.0.1"]);
    }
  });

  it("gives no descriptor of the daemon or of other sessions to a program", async () => {
    const other = await node.connect();
    const channel = await other.openChannel("session");
    channel.resume();
    const size = new SshWriter().uint32(80).uint32(24).uint32(0).uint32(0).toBuffer();
    await channel.request("pty-req", true, new SshWriter().string("xterm").raw(size).string("").toBuffer());
    await channel.request("shell", true);
    const result = await node.ssh(["ls -l /proc/self/fd | tail -n +2 | wc -l; env | grep -c TELEPORT_ENV"]);
    assert.equal(String(result.stdout), "4\n0\n");
    other.disconnect("done");
  });

  it("leaves nothing behind", async () => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    await node.ssh(["true"]);
    await node.ssh(["-tt", "--", "true"]);
    const before = descriptors();
    for (let i = 0; i < 10; i++) await node.ssh(i % 2 === 0 ? ["true"] : ["-tt", "--", "true"]);
    await node.auth.waitFor(({ event }) => event === "session.end");
    assert.ok(descriptors() <= before + 24, `${before} descriptors became ${descriptors()}`);
  });

  it("takes the client's address from a proxy on this host", async () => {
    const socket = connect(node.port, "127.0.0.1");
    socket.write('Teleport-Proxy{"clientAddr":"192.0.2.7:4242"}\0');
    const connection = await node.connect("id", socket);
    const channel = await connection.openChannel("session");
    let text = "";
    channel.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await channel.request("exec", true, new SshWriter().string("echo $SSH_CLIENT").toBuffer());
    await channel.whenClosed;
    assert.match(text, /^192\.0\.2\.7 4242 \d+\n$/);
    assert.equal(node.auth.events[0]?.["addr.remote"], "192.0.2.7:4242");
    connection.disconnect("done");
  });

  it("tells other peers nothing but its name", async () => {
    const socket = connect(node.port, "127.0.0.1");
    const [banner] = (await once(socket, "data")) as [Buffer];
    assert.match(banner.toString("latin1"), /^SSH-2\.0-Teleport\r\n/);
    socket.destroy();
  });

  it("describes itself for the heartbeat", async () => {
    const labelled = await new NodeFixture({
      settings: { commands: [{ name: "kernel", command: ["uname", "-s"], periodMs: 3_600_000 }] },
    }).start();
    await labelled.service.ready;
    assert.deepEqual(labelled.service.server(), {
      kind: "node",
      version: "v2",
      metadata: { name: "11111111-2222-4333-8444-555555555555", labels: { env: "test" } },
      spec: {
        addr: "127.0.0.1:3022",
        hostname: "node1",
        cmd_labels: { kernel: { period: "1h0m0s", command: ["uname", "-s"], result: "Linux" } },
      },
    });
    await labelled.close();
  });

  it("closes after the last session is on record", async () => {
    const closing = await new NodeFixture().start();
    const client = closing.ssh(["-tt", "--", "echo ready; sleep 600"]);
    await closing.auth.waitFor(({ event }) => event === "session.start");
    await closing.close();
    assert.ok(closing.auth.events.some(({ event }) => event === "session.end"));
    assert.equal((await client).code, 255);
  });

  it("reads the user's own variables where that is permitted", async function () {
    const home = spawnSync("sh", ["-c", "echo ~"], { encoding: "utf8" }).stdout.trim();
    if (readdirSync(home).includes(".tsh")) this.skip();
    const permitting = await new NodeFixture({ settings: { permitUserEnv: true } }).start();
    spawnSync("mkdir", [join(home, ".tsh")]);
    try {
      writeFileSync(join(home, ".tsh", "environment"), "FROM_FILE=yes\n");
      assert.equal(String((await permitting.ssh(["echo $FROM_FILE"])).stdout), "yes\n");
      assert.equal(String((await node.ssh(["echo .$FROM_FILE"])).stdout), ".\n");
    } finally {
      spawnSync("rm", ["-r", join(home, ".tsh")]);
      await permitting.close();
    }
  });

  describe("as root", () => {
    const user = `tlpt${process.pid}`;
    before(function () {
      if (process.getuid?.() !== 0) return this.skip();
      needPrograms(this, "useradd", "userdel");
      const made = spawnSync("useradd", ["-m", "-s", "/bin/bash", "-G", "games,audio", user], {
        encoding: "utf8",
      });
      assert.equal(made.status, 0, made.stderr);
      node.writeIdentity("real", { logins: [user] });
    });
    after(() => {
      if (process.getuid?.() === 0) spawnSync("userdel", ["-r", user]);
    });

    const login = { identity: "real", login: user };

    it("runs as the login with its own groups and no others", async () => {
      const expected = spawnSync("id", [user], { encoding: "utf8" }).stdout;
      for (const flags of [[], ["-tt", "--"]]) {
        const result = await node.ssh([...flags, "id; pwd; umask"], login);
        assert.equal(String(result.stdout).replaceAll("\r", ""), `${expected}/home/${user}\n0022\n`);
      }
    });

    it("gives the login its terminal", async () => {
      const result = await node.ssh(["-tt", "--", "stat -c '%U %G %a' $(tty); echo ok > $(tty)"], login);
      assert.equal(String(result.stdout), `${user} tty 620\r\nok\r\n`);
    });

    it("does not let variables reach a process that is still root", async () => {
      const library = "LD_PRELOAD=/nonexistent/x.so BASH_ENV=/tmp/x PATH=/evil";
      const result = await node.ssh(["-o", `SetEnv=${library}`, "--", "echo $PATH; id -u"], login);
      assert.match(result.stderr, /LD_PRELOAD/, "the login's own programs do get it");
      assert.match(String(result.stdout), /^\/evil\n/);
    });

    it("runs nothing for an account without a login shell", async () => {
      spawnSync("usermod", ["-s", "/usr/sbin/nologin", user]);
      try {
        for (const args of [["id"], ["-T", "--"], ["-s", "--", "sftp"], ["-tt", "--", "id"]]) {
          const result = await node.ssh(args, login);
          assert.notEqual(result.code, 0);
          assert.doesNotMatch(String(result.stdout), /uid=/);
        }
      } finally {
        spawnSync("usermod", ["-s", "/bin/bash", user]);
      }
    });

    it("refuses a login that this host does not know", async () => {
      node.writeIdentity("ghost", { logins: ["no-such-user"] });
      const result = await node.ssh(["id"], { identity: "ghost", login: "no-such-user" });
      assert.equal(result.code, 255);
      assert.match(result.stderr, /there is no user "no-such-user" on this host/);
      const event = await node.auth.waitFor(({ event: name }) => name === "auth");
      assert.equal(event["code"], "T3007W");
    });
  });
});
