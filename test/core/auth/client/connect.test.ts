import assert from "node:assert/strict";
import { connect as connectTcp, createServer, type AddressInfo, type Server } from "node:net";
import { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { connectAuth, type ConnectAuthOptions } from "../../../../core/auth/client/connect.js";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { AuthServers } from "../../../../core/auth/client/auth-servers.js";
import { notFound, unavailable } from "../../../../core/errors/error.js";
import { TestPki, type TestCertificate } from "../api/test-pki.js";
import { startTestServer, type TestServer } from "../api/test-server.js";
import * as sample from "./sample-resources.js";

describe("connectAuth", () => {
  let pki: TestPki;
  let stranger: TestPki;
  let server: TestServer;
  let served: number;
  const opened: AuthApi[] = [];

  before(async () => {
    [pki, stranger] = await Promise.all([TestPki.create("wire.test"), TestPki.create("wire.test")]);
    server = await startTestServer(pki, {
      getDomainName: async () => {
        served++;
        return "wire.test";
      },
      ping: async () => ({ clusterName: "wire.test", serverVersion: "4.2.12" }),
    });
  });
  beforeEach(() => {
    served = 0;
  });
  afterEach(async () => {
    for (const api of opened.splice(0)) await api.close();
  });
  after(() => server.close());

  function open(options: Partial<ConnectAuthOptions> = {}): AuthApi {
    const api = connectAuth({
      addresses: [server.address],
      credentials: pki.host("Node"),
      authorities: [pki.hostAuthorityPem],
      timeoutMs: 2_000,
      ...options,
    });
    opened.push(api);
    return api;
  }

  /** A server that takes TLS connections and counts the bytes that clients send inside. */
  async function impostor(
    certificate: TestCertificate,
  ): Promise<{ address: string; heard(): number; server: Server }> {
    let heard = 0;
    const tls = createTlsServer(
      { key: certificate.keyPem, cert: certificate.certPem, ALPNProtocols: ["h2"] },
      (socket) => {
        socket.on("data", (chunk: Buffer) => (heard += chunk.length)).on("error", () => undefined);
      },
    );
    tls.on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => tls.listen(0, "127.0.0.1", resolve));
    return { address: `127.0.0.1:${(tls.address() as AddressInfo).port}`, heard: () => heard, server: tls };
  }

  it("sends exactly one certificate and the cluster's name", async () => {
    assert.equal(await open().getDomainName(), "wire.test");
    const caller = server.callers.at(-1);
    assert.deepEqual(caller?.peer?.authority, { type: "host", clusterName: "wire.test" });
  });

  it("keeps its connections", async () => {
    const api = open();
    const addresses = [];
    for (let i = 0; i < 5; i++) {
      await api.getDomainName();
      addresses.push(server.callers.at(-1)?.remoteAddress);
    }
    assert.equal(new Set(addresses).size, 1);
  });

  const untrusted: [string, () => TestCertificate, RegExp][] = [
    [
      "of another authority with the same name",
      () => stranger.server(),
      /not issued by the cluster's authority/,
    ],
    ["of a node", () => pki.host("Node"), /not an auth server/],
    ["of a user", () => pki.user("alice"), /not issued by the cluster's authority/],
    [
      "that has expired",
      () =>
        pki.issue("host", "x.wire.test", ["Admin"], {
          dnsNames: ["*.teleport.cluster.local"],
          notBefore: new Date(Date.now() - 7200_000),
          notAfter: new Date(Date.now() - 3600_000),
        }),
      /expired/,
    ],
    [
      "of the future",
      () =>
        pki.issue("host", "x.wire.test", ["Admin"], {
          dnsNames: ["*.teleport.cluster.local"],
          notBefore: new Date(Date.now() + 3600_000),
          notAfter: new Date(Date.now() + 7200_000),
        }),
      /check the clocks/,
    ],
  ];
  for (const [what, certificate, message] of untrusted) {
    it(`says nothing to a server with a certificate ${what}`, async () => {
      const other = await impostor(certificate());
      // The honest server comes second: an untrusted one must not be passed over in silence.
      const api = open({ addresses: new AuthServers([other.address, server.address], () => 0) });
      await assert.rejects(api.authenticateSsh({ username: "alice" } as never), {
        code: "access_denied",
        message,
      });
      await assert.rejects(api.ping(), { code: "access_denied", message });
      assert.equal(other.heard(), 0);
      other.server.close();
    });
  }

  it("trusts no server without authorities", async () => {
    await assert.rejects(open({ authorities: undefined }).getDomainName(), { code: "access_denied" });
    assert.equal(served, 0);
  });

  it("says that its own certificate has expired instead of trying it", async () => {
    const expired = pki.issue("user", "alice", ["admin"], {
      notBefore: new Date(Date.now() - 7200_000),
      notAfter: new Date(Date.now() - 3600_000),
    });
    await assert.rejects(open({ credentials: expired }).getDomainName(), {
      code: "access_denied",
      message: /your certificate expired at .*: log in again/,
    });
  });

  it("goes on to the next address, and stays with the one that answers", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const dead = `127.0.0.1:${(closed.address() as AddressInfo).port}`;
    await new Promise((resolve) => closed.close(resolve));
    const api = open({ addresses: [dead, server.address] });
    assert.equal(await api.getDomainName(), "wire.test");
    assert.deepEqual(await api.ping(), { clusterName: "wire.test", serverVersion: "4.2.12" });
    await assert.rejects(open({ addresses: [dead] }).upsertRole({} as never), {
      code: "unavailable",
      message: new RegExp(`no auth server can be reached \\(${dead}: connection refused`),
    });
  });

  it("gives up on a server that accepts and is silent", async () => {
    const silent = createServer((socket) => socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const api = open({ addresses: [address], timeoutMs: 100 });
    await assert.rejects(api.deleteRole("x"), { code: "unavailable", message: /timed out/ });
    silent.close();
  });

  it("gives up on an answer that does not come", async () => {
    const stuck = await startTestServer(pki, { deleteRole: () => new Promise(() => undefined) });
    const api = open({ addresses: [stuck.address], timeoutMs: 300 });
    await assert.rejects(api.deleteRole("x"), { code: "unavailable", message: /did not answer/ });
    await stuck.close();
  });

  it("tries again what may be repeated, and other calls not", async () => {
    let reads = 0;
    let writes = 0;
    let deletions = 0;
    const flaky = await startTestServer(pki, {
      getRoles: async () => {
        if (++reads < 3) throw unavailable("away");
        return [];
      },
      getUsers: async () => {
        if (++reads < 5) throw unavailable("away");
        return [];
      },
      createRole: async () => {
        writes++;
        throw unavailable("away");
      },
      deleteRole: async () => {
        if (++deletions === 1) throw unavailable("the answer is lost");
        throw notFound("no such role");
      },
    });
    const api = open({ addresses: [flaky.address] });
    assert.deepEqual(await api.getRoles(), []);
    assert.equal(reads, 3);
    assert.deepEqual(await api.getUsers(), []);
    assert.equal(reads, 5);
    await assert.rejects(api.createRole(sample.role), { code: "unavailable" });
    assert.equal(writes, 1);
    // The first attempt may have removed it: then it is gone, as was asked for.
    await api.deleteRole("x");
    await assert.rejects(api.deleteRole("y"), { code: "not_found" });
    await flaky.close();
  });

  it("connects again after the server has gone and come back", async () => {
    const first = await startTestServer(pki, {
      ping: async () => ({ clusterName: "a", serverVersion: "1" }),
    });
    let target = first.port;
    const api = open({ dial: async () => connectTcp(target, "127.0.0.1") });
    assert.equal((await api.ping()).clusterName, "a");
    await first.close();
    const second = await startTestServer(pki, {
      ping: async () => ({ clusterName: "b", serverVersion: "1" }),
    });
    target = second.port;
    assert.equal((await api.ping()).clusterName, "b");
    await second.close();
  });

  it("works over any stream, such as an SSH channel", async () => {
    let dials = 0;
    const dial = async (): Promise<Duplex> => {
      dials++;
      const tcp = connectTcp(server.port, "127.0.0.1");
      return Duplex.from({ readable: tcp, writable: tcp });
    };
    const api = open({ addresses: [], dial });
    assert.equal(await api.getDomainName(), "wire.test");
    assert.equal((await api.ping()).clusterName, "wire.test");
    assert.equal(dials, 2);
  });

  it("tells a proxy's web port from an auth server", async () => {
    const web = await impostor(pki.server());
    web.server.on("secureConnection", (socket: Duplex) => {
      socket.once("data", () =>
        socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\n\r\n404 page not found\n"),
      );
    });
    const api = open({ addresses: [web.address] });
    await assert.rejects(api.getRole("admin"), { code: "not_implemented", message: /is it an auth server/ });
    web.server.close();
  });

  it("refuses calls once it is closed", async () => {
    const api = open();
    await api.getDomainName();
    await api.close();
    await assert.rejects(api.getDomainName(), { code: "unavailable" });
    await assert.rejects(api.ping(), { code: "unavailable" });
  });
});
