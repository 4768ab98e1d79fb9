import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { Role } from "../../../core/resources/role.js";
import { SshWriter } from "../../../core/pki/ssh-wire.js";
import { silentLogger } from "../../../core/plugin/logger.js";
import { type LiveRequest, LiveAccess } from "../../../core/session/live-access.js";
import type { LiveIdentity } from "../../../core/session/live-identity.js";
import type { ClusterView } from "../../../core/auth/client/view.js";
import { certificate, NOW, source } from "../access/sample-connections.js";
import { lock, LOGIN, NodeFixture, role } from "../node/node-fixture.js";
import { needPrograms } from "../node/stock-programs.js";
import { ManualClock } from "../ssh/manual-clock.js";
import { ShellClient } from "./shell-client.js";

const optioned = (options: Partial<Role["spec"]["options"]>): Role => {
  const plain = role("admin");
  return { ...plain, spec: { ...plain.spec, options: { ...plain.spec.options, ...options } } };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("live access", () => {
  interface Cluster {
    roles: Role[];
    locks: ReturnType<typeof lock>[];
    stale?: Date;
    /** How often something was read, to tell how much work a change was. */
    reads: { roles: number; locks: number };
  }

  function open(): { cluster: Cluster; access: LiveAccess; tell: () => void } {
    const reads = { roles: 0, locks: 0 };
    const cluster: Cluster = { roles: [role("admin")], locks: [], reads };
    const listeners = new Set<() => void>();
    const config = { kind: "cluster_config" };
    const view = {
      clusterConfig: () => config,
      user: () => undefined,
      roles: (names: readonly string[]) => {
        reads.roles += 1;
        return source({ roles: cluster.roles }).roles(names);
      },
      locks: () => {
        reads.locks += 1;
        return cluster.locks;
      },
      staleSince: () => cluster.stale,
      onChange: (_kind: string, listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const access = new LiveAccess({
      view: view as unknown as ClusterView,
      clock: { now: () => NOW, sleep: () => new Promise(() => undefined) },
      log: silentLogger,
    });
    return { cluster, access, tell: () => listeners.forEach((listener) => listener()) };
  }

  const request = (name = "alice"): LiveRequest => ({
    certificate: certificate(name, ["admin"], { logins: ["root"] }),
    login: "root",
    server: () => ({ namespace: "default", labels: { env: "test" }, id: "n1", hostname: "node1" }),
  });

  function denials(identity: LiveIdentity): string[] {
    const reasons: string[] = [];
    identity.onDenied((reason) => reasons.push(reason));
    return reasons;
  }

  it("denies, with the reason, what a role no longer allows", async () => {
    const { cluster, access, tell } = open();
    const identity = access.hold(request());
    const reasons = denials(identity);
    tell();
    await turn();
    await turn();
    assert.deepEqual(reasons, []);
    cluster.roles = [role("admin", { deny: { logins: ["root"], namespaces: ["default"] } })];
    tell();
    tell();
    await turn();
    await turn();
    assert.deepEqual(reasons, ['access to server denied: role admin denies the login "root"']);
  });

  it("follows options, and denies where a role has gone", async () => {
    const { cluster, access, tell } = open();
    const identity = access.hold(request());
    const reasons = denials(identity);
    let changes = 0;
    identity.onChange(() => (changes += 1));
    assert.equal(identity.access.portForwarding(), true);
    cluster.roles = [optioned({ port_forwarding: false })];
    tell();
    await turn();
    assert.equal(identity.access.portForwarding(), false);
    assert.equal(changes, 1);
    cluster.roles = [];
    tell();
    await turn();
    await turn();
    assert.match(reasons[0] ?? "", /role .*admin.* does not exist/i);
  });

  it("tells sessions first, and the connection when they have been told", async () => {
    const { cluster, access, tell } = open();
    const identity = access.hold(request());
    const order: string[] = [];
    let told: () => void = () => undefined;
    identity.holdSession("s1", (reason) => {
      order.push(`session: ${reason}`);
      return new Promise((resolve) => (told = resolve));
    });
    identity.onDenied((reason, all) => void all.then(() => order.push(`connection: ${reason}`)));
    cluster.locks = [lock({ user: "alice" }, "bye")];
    tell();
    await turn();
    await turn();
    const text = 'lock targeting User:"alice" is in force: bye';
    assert.deepEqual(order, [`session: ${text}`]);
    assert.throws(() => identity.requireSession("s2"), { code: "access_denied", message: text });
    told();
    await turn();
    assert.deepEqual(order, [`session: ${text}`, `connection: ${text}`]);
    assert.throws(() => access.hold(request()), /lock targeting/);
  });

  it("watches a session after its connection has gone, until that is let go", async () => {
    const { cluster, access, tell } = open();
    const identity = access.hold(request());
    const reasons: string[] = [];
    const letGo = identity.holdSession("s1", (reason) => Promise.resolve(void reasons.push(reason)));
    identity.release();
    cluster.locks = [lock({ session: "s1" })];
    tell();
    await turn();
    assert.equal(reasons.length, 1);
    letGo();
    cluster.locks = [lock({ user: "alice" })];
    tell();
    await turn();
    assert.equal(reasons.length, 1);
  });

  it("denies strict users when the replica is too old", async () => {
    const { cluster, access } = open();
    cluster.roles = [optioned({ lock: "strict" })];
    const reasons = denials(access.hold(request()));
    cluster.stale = new Date(NOW.getTime() - 6 * 60_000);
    access.changed();
    await turn();
    await turn();
    assert.match(reasons[0] ?? "", /the locks are not known since/);
  });

  it("looks at a thousand connections for one lock without deciding about each anew", async () => {
    const { cluster, access, tell } = open();
    const old = Array.from({ length: 1_000 }, (_, at) => lock({ user: `gone-${at}` }));
    cluster.locks = old;
    const held = Array.from({ length: 1_000 }, (_, at) => denials(access.hold(request(`user-${at}`))));
    cluster.reads.locks = 0;
    cluster.locks = [...old, lock({ user: "user-500" })];
    tell();
    for (let at = 0; at < 40; at++) await turn();
    assert.deepEqual(
      held.flatMap((reasons, at) => (reasons.length > 0 ? [at] : [])),
      [500],
    );
    assert.equal(cluster.reads.locks, 1, "the old locks are not looked at for each connection");
  });
});

describe("live access, on a node", function () {
  this.timeout(30_000);
  let node: NodeFixture;
  before(function () {
    needPrograms(this, "ssh-keygen");
  });
  beforeEach(async () => {
    node = await new NodeFixture().start();
  });
  afterEach(() => node.close());

  it("ends sessions with the reason on their terminal, and audits the disconnect", async () => {
    const shell = await ShellClient.open(node, { size: [80, 24], command: "exec sh" });
    const plain = await ShellClient.open(node, { command: "echo on; sleep 600", on: shell.connection });
    await plain.shows(/on/);
    node.change({ locks: [lock({ login: LOGIN }, "maintenance")] });
    await shell.connection.whenClosed;
    const reason = `lock targeting Login:"${LOGIN}" is in force: maintenance`;
    assert.match(shell.text, new RegExp(`This session ends: ${reason}`));
    assert.match(plain.errors, new RegExp(`This session ends: ${reason}`));
    const event = await node.auth.waitFor(({ event: name }) => name === "client.disconnect");
    assert.equal(event["reason"], reason);
    await node.auth.waitFor(({ event: name }) => name === "session.end");
  });

  it("ends forwarded connections when the option is withdrawn, and nothing else", async () => {
    const target = createServer((socket) => socket.pipe(socket).on("error", () => undefined)).listen(
      0,
      "127.0.0.1",
    );
    await once(target, "listening");
    const { port } = target.address() as AddressInfo;
    const shell = await ShellClient.open(node, { size: [80, 24], command: "exec sh" });
    const payload = new SshWriter().string("127.0.0.1").uint32(port).string("127.0.0.1").uint32(1).toBuffer();
    const forwarded = await shell.connection.openChannel("direct-tcpip", payload);
    forwarded.write("echo");
    await once(forwarded, "data");
    node.change({ roles: [optioned({ port_forwarding: false })] });
    forwarded.resume();
    await forwarded.whenClosed;
    await assert.rejects(shell.connection.openChannel("direct-tcpip", payload), /not allowed/);
    shell.type("echo still-$((1+1)); exit\n");
    await shell.shows(/still-2/);
    await shell.channel.whenClosed;
    target.close();
  });

  it("lets idle time-outs follow the roles", async () => {
    const clock = new ManualClock();
    const other = await new NodeFixture({ clock }).start();
    const connection = await other.connect();
    await clock.advance(3_600_000);
    other.change({ roles: [optioned({ client_idle_timeout: "1m" })] });
    await turn();
    await turn();
    for (let at = 0; at < 15; at++) await clock.advance(6_000);
    await connection.whenClosed;
    const event = await other.auth.waitFor(({ event: name }) => name === "client.disconnect");
    assert.match(String(event["reason"]), /^client is idle for \S+, exceeded idle timeout of 1m0s$/);
    await other.close();
  });

  it("limits the session channels of a connection", async () => {
    node.change({ roles: [optioned({ max_sessions: 2 })] });
    const first = await ShellClient.open(node, { size: [80, 24], command: "exec sh" });
    const second = await ShellClient.open(node, { size: [80, 24], command: "exec sh", on: first.connection });
    await assert.rejects(
      first.connection.openChannel("session"),
      /too many session channels for user "alice" \(max=2\)/,
    );
    const event = await node.auth.waitFor(({ event: name }) => name === "session.rejected");
    assert.equal(event["code"], "T1006W");
    assert.equal(event["reason"], "max_sessions limit reached");
    assert.equal(event["max"], 2);
    second.type("exit\n");
    await second.channel.whenClosed;
    const third = await ShellClient.open(node, { command: "true", on: first.connection });
    await third.channel.whenClosed;
    assert.equal(third.exitStatus, 0);
  });
});
