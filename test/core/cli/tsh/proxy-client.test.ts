/** The way through a proxy, which the test plays, to a node behind it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import type { Client } from "../../../../core/cli/tsh/client.js";
import { trustIn } from "../../../../core/cli/tsh/cluster-trust.js";
import { LoginNeeded } from "../../../../core/cli/tsh/login-needed.js";
import { AmbiguousNode, connectNode } from "../../../../core/cli/tsh/node-connection.js";
import { connectProxy } from "../../../../core/cli/tsh/proxy-client.js";
import { hasCode } from "../../../../core/errors/error.js";
import { parseSshCertificate } from "../../../../core/pki/ssh-certificate.js";
import { SshReader } from "../../../../core/pki/ssh-wire.js";
import type { SshChannel } from "../../../../core/ssh/contract.js";
import { TestAuthority, type CertificateChanges } from "../../ssh/authority.js";
import { ADDRESSES, Loopback } from "../../ssh/loopback.js";

describe("the client of a proxy", () => {
  let proxy: Loopback;
  let server: Server;
  let port: number;
  /** Answers a subsystem: false refuses it. */
  let subsystem: (name: string, channel: SshChannel) => boolean;

  beforeEach(async () => {
    proxy = await Loopback.create({
      onConnection: (peer) => {
        peer.onChannel("session", (open) => {
          const channel = open.accept();
          channel.extended.resume();
          channel.onRequest(({ payload }) => subsystem(new SshReader(payload).text(), channel));
        });
      },
    });
    server = createServer((socket) => proxy.server.accept(socket, ADDRESSES));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(async () => {
    await proxy.server.close();
    server.close();
  });

  async function client(changes: CertificateChanges = {}, isIdentity = false): Promise<Client> {
    const signer = await proxy.authority.signer("user", "ed25519", changes);
    const address = { host: "127.0.0.1", port };
    return {
      profile: { web: address, ssh: address, user: "alice", cluster: "example.com" },
      cluster: "example.com",
      credentials: {
        user: "alice",
        privateKey: signer.privateKey!,
        privateKeyPem: "",
        certificate: parseSshCertificate(signer.certificate!),
        tlsCertificatePem: "",
        rootCluster: "example.com",
      },
      trust: trustIn({ ssh: [{ cluster: "example.com", keys: [proxy.authority.publicBlob] }], tls: [] }),
      jumphost: undefined,
      isIdentity,
    };
  }

  const refuse = (channel: SshChannel, text: string): boolean => {
    void channel.writeExtended(Buffer.from(text)).then(() => channel.close());
    return false;
  };

  it("lists the clusters", async () => {
    subsystem = (name, channel) => {
      assert.equal(name, "proxysites");
      channel.end(JSON.stringify([{ name: "example.com", lastconnected: "x", status: "online" }]));
      return true;
    };
    const connected = await connectProxy(await client());
    assert.deepEqual(await connected.clusters(), [{ name: "example.com", status: "online" }]);
    connected.close();
  });

  it("logs in to a node by the name that it must prove", async () => {
    subsystem = (name, channel) => {
      assert.equal(name, "proxy:node1:0@default@example.com");
      proxy.server.accept(channel, ADDRESSES);
      return true;
    };
    const me = await client();
    const connected = await connectProxy(me);
    const node = await connectNode(me, connected, { host: "node1", port: 0, login: "root" });
    assert.equal(node.user, "root");
    connected.close();
  });

  it("refuses a node that proves another name", async () => {
    subsystem = (_name, channel) => {
      proxy.server.accept(channel, ADDRESSES);
      return true;
    };
    const me = await client();
    const connected = await connectProxy(me);
    await assert.rejects(
      connectNode(me, connected, { host: "node2", port: 0, login: "root" }),
      /node2 has not proven that it is the host you mean/,
    );
    connected.close();
  });

  it("says who was denied where", async () => {
    subsystem = (_name, channel) => {
      proxy.server.accept(channel, ADDRESSES);
      return true;
    };
    const me = await client();
    const connected = await connectProxy(me);
    await assert.rejects(connectNode(me, connected, { host: "node1", port: 0, login: "bob" }), {
      message: "access denied to bob connecting to node1 on cluster example.com",
    });
    connected.close();
  });

  it("passes on why the proxy does not reach a node, without its control bytes", async () => {
    subsystem = (_name, channel) => refuse(channel, "dial \u001b[2Jtcp\r\n");
    const me = await client();
    const connected = await connectProxy(me);
    await assert.rejects(connectNode(me, connected, { host: "node1", port: 0, login: "root" }), (error) => {
      assert.equal((error as Error).message, "failed connecting to node node1. dial \\u001b[2Jtcp");
      return hasCode(error, "unavailable");
    });
    connected.close();
  });

  it("recognises an ambiguous name", async () => {
    subsystem = (_name, channel) => refuse(channel, "err-node-is-ambiguous\r\n");
    const me = await client();
    const connected = await connectProxy(me);
    await assert.rejects(connectNode(me, connected, { host: "n", port: 0, login: "root" }), AmbiguousNode);
    connected.close();
  });

  it("asks for a new login where the proxy does not take this one, but never for an identity file", async () => {
    const expired = { validBefore: new Date(Date.now() - 1000) };
    await assert.rejects(connectProxy(await client(expired)), LoginNeeded);
    await assert.rejects(connectProxy(await client(expired, true)), (error) => {
      assert.match((error as Error).message, /^the identity file has expired: make a new one/);
      return !(error instanceof LoginNeeded) && hasCode(error, "access_denied");
    });
  });

  it("asks for no login where the proxy is not trusted", async () => {
    const me = await client();
    const stranger = await TestAuthority.create();
    const trust = trustIn({ ssh: [{ cluster: "example.com", keys: [stranger.publicBlob] }], tls: [] });
    await assert.rejects(connectProxy({ ...me, trust }), (error) => {
      assert.match((error as Error).message, /none of the authorities/);
      return !(error instanceof LoginNeeded);
    });
  });
});
