import assert from "node:assert/strict";
import { once } from "node:events";
import type net from "node:net";
import { unavailable } from "../../../../core/errors/error.js";
import type { Role } from "../../../../core/resources/role.js";
import type { SshConnection } from "../../../../core/ssh/contract.js";
import { createSigner } from "../../../../core/ssh/signer.js";
import { role } from "../../node/node-fixture.js";
import { TestAuthority } from "../../ssh/authority.js";
import { CLUSTER, ProxyFixture, direct, nodeAt, readAll, readBytes, subsystem } from "./proxy-fixture.js";

const all = { logins: ["root"], namespaces: ["default"], node_labels: { "*": "*" } };
const BANNER = "SSH-2.0-Other\r\n";
/** A target that is no server of ours and repeats what it is told. */
const echo = (socket: net.Socket): void => {
  socket.write(BANNER);
  socket.pipe(socket);
};

describe("proxy: SSH service", () => {
  let fixture: ProxyFixture;
  let client: SshConnection;

  beforeEach(async () => {
    fixture = await ProxyFixture.create({ unregisteredTargets: ["127.0.0.1:*"] });
    client = await fixture.connect();
  });
  afterEach(() => fixture.close());

  describe("clients", () => {
    it("lists the cluster", async () => {
      const { channel, granted } = await subsystem(client, "proxysites");
      assert.ok(granted);
      const [site, ...others] = JSON.parse(await readAll(channel)) as Record<string, string>[];
      assert.deepEqual(others, []);
      assert.equal(site?.name, CLUSTER);
      assert.equal(site?.status, "online");
      assert.ok(!Number.isNaN(Date.parse(site?.lastconnected ?? "")));
      await channel.whenClosed;
    });

    it("says that it does not record, and which version it has", async () => {
      const recording = await client.globalRequest("recording-proxy@teleport.com", true);
      assert.equal(recording?.toString(), "false");
      assert.match((await client.globalRequest("x-teleport-version", true))?.toString() ?? "", /^\d+\.\d+/);
    });

    it("refuses and audits a certificate of another authority", async () => {
      const stranger = await (await TestAuthority.create()).signer("user");
      await assert.rejects(fixture.connect(stranger), { code: "access_denied" });
      const [event, ...others] = fixture.audited;
      assert.deepEqual(others, []);
      assert.equal(event?.event, "auth");
      assert.equal(event?.code, "T3007W");
      assert.equal(event?.success, false);
      assert.equal(event?.user, "alice");
    });

    it("does not audit strangers without a certificate", async () => {
      const signer = await fixture.authority.signer("user");
      await assert.rejects(fixture.connect(createSigner(signer.privateKey!)), { code: "access_denied" });
      assert.deepEqual(fixture.audited, []);
    });

    it("runs no commands, and tells why", async () => {
      const channel = await client.openChannel("session");
      const said = once(channel.extended, "data") as Promise<[Buffer]>;
      assert.equal(await channel.request("exec", true, Buffer.from("\0\0\0\x02id")), false);
      assert.match((await said)[0].toString(), /^\(proxy\) proxy doesn't support request type 'exec'\r\n$/);
      await channel.whenClosed;
    });

    it("tells why before it answers, so that a client that ends at a failure has shown it", async () => {
      const order: string[] = [];
      client.onGlobalRequest("keepalive@openssh.com", () => {
        order.push("taken");
        return false;
      });
      const channel = await client.openChannel("session");
      channel.extended.once("data", () => order.push("told"));
      await channel.request("subsystem", true, Buffer.from("\0\0\0\x04nope"));
      assert.deepEqual(order, ["told", "taken", "taken"]);
      await channel.whenClosed;
    });

    it("goes on after requests that it has no use for", async () => {
      await fixture.node(echo);
      const channel = await client.openChannel("session");
      assert.equal(await channel.request("auth-agent-req@openssh.com", true), false);
      assert.equal(await channel.request("env", true, Buffer.from("\0\0\0\x01A\0\0\0\x01B")), true);
      const payload = Buffer.from("\0\0\0\x0dproxy:node1:0", "latin1");
      assert.ok(await channel.request("subsystem", true, payload));
      assert.equal(await readBytes(channel, BANNER.length), BANNER);
    });

    it("runs one subsystem on a channel", async () => {
      await fixture.node(echo);
      const { channel } = await subsystem(client, "proxy:node1:0");
      assert.equal(await readBytes(channel, BANNER.length), BANNER);
      const payload = Buffer.from("\0\0\0\x0dproxy:node1:0", "latin1");
      assert.equal(await channel.request("subsystem", true, payload), false);
      channel.write("still there");
      assert.equal(await readBytes(channel, 11), "still there");
    });
  });

  describe("targets", () => {
    it("connects to nodes by either way", async () => {
      const node = await fixture.node(echo);
      const open = [
        async () => (await subsystem(client, `proxy:node1:0@default@${CLUSTER}`)).channel,
        async () => (await subsystem(client, `proxy:127.0.0.1:${node.port}@${CLUSTER}`)).channel,
        () => direct(client, "node1", 22),
        () => direct(client, "node1", node.port),
      ];
      for (const connect of open) {
        const channel = await connect();
        channel.end("question");
        assert.equal(await readAll(channel), `${BANNER}question`);
      }
      assert.deepEqual(fixture.audited, []);
    });

    it("refuses and audits what is no registered node", async () => {
      const reason = `no node of cluster ${CLUSTER} is registered as internal.invalid`;
      const { granted, channel, stderr } = await subsystem(client, "proxy:internal.invalid:22");
      assert.equal(granted, false);
      assert.equal(stderr(), `${reason}\r\n`);
      await channel.whenClosed;
      await assert.rejects(direct(client, "internal.invalid", 22), { message: reason });
      assert.equal(fixture.audited.length, 2);
      for (const event of fixture.audited) {
        const { addr, code, success, user, login, error } = event;
        assert.deepEqual(
          { addr, code, success, user, login, error },
          {
            addr: "internal.invalid:22",
            code: "T3003E",
            success: false,
            user: "alice",
            login: "root",
            error: reason,
          },
        );
        assert.match(event["addr.remote"] as string, /^127\.0\.0\.1:\d+$/);
      }
    });

    it("dials a listed target and audits that, too", async () => {
      const target = await fixture.listen(echo);
      const channel = await direct(client, "127.0.0.1", target.port);
      assert.equal(await readBytes(channel, BANNER.length), BANNER);
      const [event, ...others] = fixture.audited;
      assert.deepEqual(others, []);
      assert.equal(event?.code, "T3003I");
      assert.equal(event?.success, true);
      assert.equal(event?.addr, target.address);
    });

    for (const [why, changes, reason] of [
      [
        "without port forwarding",
        { options: { port_forwarding: false, max_session_ttl: "1h" } },
        /^port forwarding not allowed$/,
      ],
      ["without the login", { allow: { ...all, logins: ["bob"] } }, /no role allows the login "root"/],
      ["for labelled servers only", { allow: { ...all, node_labels: { env: "test" } } }, /no role allows/],
      [
        "with a denied login",
        { deny: { logins: ["root"], namespaces: ["default"] } },
        /denies the login "root"/,
      ],
    ] as const) {
      it(`refuses a listed target to a role ${why}, and audits that`, async () => {
        const target = await fixture.listen(echo);
        fixture.role = role("access", changes as Partial<Role["spec"]>);
        await assert.rejects(direct(client, "127.0.0.1", target.port), { message: reason });
        assert.equal(target.sockets.length, 0);
        const [event, ...others] = fixture.audited;
        assert.deepEqual(others, []);
        assert.equal(event?.code, "T3003E");
        assert.match(String(event?.error), reason);
      });
    }

    it("audits that a listed target could not be reached", async () => {
      const target = await fixture.listen(() => undefined);
      target.close();
      await assert.rejects(direct(client, "127.0.0.1", target.port), { message: /ECONNREFUSED/ });
      assert.deepEqual(
        fixture.audited.map(({ code }) => code),
        ["T3003E"],
      );
    });

    it("connects nobody whose connection cannot be audited", async () => {
      fixture.auditFailure = unavailable("the audit log is full");
      const target = await fixture.listen(echo);
      await assert.rejects(direct(client, "127.0.0.1", target.port), { message: "the audit log is full" });
      const [socket] = target.sockets;
      socket!.resume();
      if (!socket!.readableEnded) await once(socket!, "end");
      await assert.rejects(direct(client, "internal.invalid", 22), { message: "the audit log is full" });
    });

    it("tells clients nothing of failures that were not written for them", async () => {
      fixture.auditFailure = new Error("password of the database: hunter2");
      await assert.rejects(direct(client, "internal.invalid", 22), {
        message: "internal error, see the log of the proxy",
      });
    });

    it("refuses names of two nodes in the words that tsh knows", async () => {
      await fixture.node(echo);
      await fixture.node(echo);
      const { granted, stderr } = await subsystem(client, "proxy:node1:0");
      assert.equal(granted, false);
      assert.equal(stderr(), "err-node-is-ambiguous\r\n");
    });

    it("refuses clusters that it does not know", async () => {
      await fixture.node(echo);
      for (const name of ["proxy:node1:0@default@leaf.test", "proxy:@leaf.test"]) {
        const { granted, stderr } = await subsystem(client, name);
        assert.equal(granted, false);
        assert.equal(stderr(), 'invalid format for proxy request: unknown cluster "leaf.test"\r\n');
      }
      assert.equal(fixture.audited.length, 2);
    });

    it("refuses the UUID of no node, also where the list of targets allows everything", async () => {
      const uuid = "99999999-9999-4999-8999-999999999999";
      await assert.rejects(direct(client, uuid, 22), { message: /unable to locate node matching uuid-like/ });
      assert.equal(fixture.audited.length, 1);
    });

    it("does not take an empty host for the auth API, or a port that is none", async () => {
      const auth = await fixture.listen(echo);
      fixture.authAddresses.push({ host: "127.0.0.1", port: auth.port });
      await assert.rejects(direct(client, "", 3025), { message: /^invalid target/ });
      await assert.rejects(direct(client, "127.0.0.1", 65536), { message: /^invalid target/ });
      assert.deepEqual(auth.sockets, []);
    });

    it("finds nodes beside one whose registration cannot be read", async () => {
      fixture.nodes.push(nodeAt("broken", "[not an address", "99999999-9999-4999-8999-999999999999"));
      await fixture.node(echo);
      const channel = await direct(client, "node1", 22);
      assert.equal(await readBytes(channel, BANNER.length), BANNER);
    });

    it("tries auth servers in turn, and sends them nothing of its own", async () => {
      const gone = await fixture.listen(() => undefined);
      gone.close();
      const auth = await fixture.listen((socket) => void socket.pipe(socket));
      fixture.authAddresses.push(
        { host: "127.0.0.1", port: gone.port },
        { host: "127.0.0.1", port: auth.port },
      );
      const { channel, granted } = await subsystem(client, `proxy:@${CLUSTER}`);
      assert.ok(granted);
      channel.end("client hello");
      assert.equal(await readAll(channel), "client hello");
    });

    it("says that no auth server answers", async () => {
      const gone = await fixture.listen(() => undefined);
      gone.close();
      fixture.authAddresses.push({ host: "127.0.0.1", port: gone.port });
      const { granted, stderr } = await subsystem(client, `proxy:@${CLUSTER}`);
      assert.equal(granted, false);
      assert.match(stderr(), /^no auth server can be reached: dial tcp 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    });
  });
});
