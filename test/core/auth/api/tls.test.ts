/** Who gets in: certificates, server names, and clients that mean harm. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { encodeClusterName } from "../../../../core/pki/cluster-sni.js";
import { connectAuth } from "../../../../core/auth/client/connect.js";
import type { AuthApi } from "../../../../core/auth/client/api.js";
import { hasCode, unavailable } from "../../../../core/errors/error.js";
import { TestPki, type TestCertificate } from "./test-pki.js";
import { startTestServer, type TestServer } from "./test-server.js";

const fake: Partial<AuthApi> = { getDomainName: async () => "wire.test" };

describe("the API's TLS", () => {
  let pki: TestPki;
  let stranger: TestPki;
  let server: TestServer;
  before(async () => {
    [pki, stranger] = await Promise.all([TestPki.create("wire.test"), TestPki.create("wire.test")]);
    server = await startTestServer(pki, fake);
  });
  after(() => server.close());
  beforeEach(() => {
    server.callers.length = 0;
    server.certificate = pki.server();
    server.authorities = pki.authorities;
  });

  /** Sends one request over TLS; what comes back is empty where the server hung up. */
  async function request(
    certificate: TestCertificate | undefined,
    options: ConnectionOptions = {},
  ): Promise<string> {
    const socket = connectTls({
      host: "127.0.0.1",
      port: server.port,
      servername: "teleport.cluster.local",
      rejectUnauthorized: false,
      ...(certificate && { key: certificate.keyPem, cert: certificate.certPem }),
      ...options,
    });
    socket.write("GET /v2/domain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return readAll(socket);
  }

  it("knows callers by their certificates, and those without one as such", async () => {
    assert.match(await request(undefined), /200 OK/);
    assert.match(await request(pki.user("alice", ["dev", "admin"])), /"wire.test"$/);
    assert.match(await request(pki.host("Node")), /200 OK/);
    assert.deepEqual(
      server.callers.map(({ peer }) => [peer?.authority.type, peer?.identity.username, peer?.identity.roles]),
      [
        [undefined, undefined, undefined],
        ["user", "alice", ["dev", "admin"]],
        ["host", "22222222-2222-4333-8444-555555555555.wire.test", ["Node"]],
      ],
    );
    assert.match(server.callers[0]!.remoteAddress, /^127\.0\.0\.1:\d+$/);
  });

  it("tells which authority vouches for a name, so that a user cannot pass as a host", async () => {
    await request(pki.issue("user", "22222222-2222-4333-8444-555555555555.wire.test", ["Admin"]));
    assert.equal(server.callers[0]?.peer?.authority.type, "user");
  });

  const hour = 3600_000;
  const refused: [string, () => TestCertificate][] = [
    ["of another authority with the same name", () => stranger.user("alice")],
    [
      "that is expired",
      () =>
        pki.issue("user", "alice", ["admin"], {
          notAfter: new Date(Date.now() - 1000),
          notBefore: new Date(Date.now() - hour),
        }),
    ],
    [
      "that is not valid yet",
      () =>
        pki.issue("user", "alice", ["admin"], {
          notBefore: new Date(Date.now() + hour),
          notAfter: new Date(Date.now() + 2 * hour),
        }),
    ],
    ["of an authority itself", () => ({ keyPem: pki.user("x").keyPem, certPem: pki.hostAuthorityPem })],
  ];
  for (const [what, certificate] of refused) {
    it(`hangs up on a certificate ${what}`, async () => {
      const made = certificate();
      const reply = await request(made).catch((error: unknown) => String(error));
      assert.doesNotMatch(reply, /HTTP\/1.1/);
      assert.deepEqual(server.callers, []);
    });
  }

  it("refuses a certificate issued by a user's own, which is no authority", async () => {
    const user = pki.user("mallory");
    const { issueTlsCertificate } = await import("../../../../core/pki/x509.js");
    const forged = issueTlsCertificate({
      subject: { username: "root", roles: ["Admin"] },
      publicKey: pki.key.publicKey,
      authority: { certPem: user.certPem, key: pki.key.privateKey },
      notBefore: new Date(Date.now() - 1000),
      notAfter: new Date(Date.now() + hour),
    });
    const chain = { keyPem: user.keyPem, certPem: forged + user.certPem };
    assert.doesNotMatch(await request(chain).catch(String), /HTTP/);
    assert.deepEqual(server.callers, []);
  });

  it("ends the access of open connections when their authority is removed", async () => {
    const api = connectAuth({
      addresses: [server.address],
      credentials: pki.user("alice"),
      authorities: [pki.hostAuthorityPem],
    });
    assert.equal(await api.getDomainName(), "wire.test");
    server.authorities = pki.authorities.filter(({ type }) => type === "host");
    await assert.rejects(api.getDomainName(), { code: "access_denied" });
    await assert.rejects(
      api.ping(),
      (error) => hasCode(error, "access_denied") || hasCode(error, "unavailable"),
    );
    await api.close();
  });

  it("presents a renewed certificate to the next client, named or not", async () => {
    const serials = [];
    for (const servername of ["teleport.cluster.local", encodeClusterName("wire.test"), ""]) {
      for (const certificate of [pki.server(), pki.server()]) {
        server.certificate = certificate;
        const socket = connectTls({
          host: "127.0.0.1",
          port: server.port,
          servername,
          rejectUnauthorized: false,
        });
        await once(socket, "secureConnect");
        serials.push(socket.getPeerX509Certificate()?.serialNumber);
        socket.destroy();
      }
    }
    assert.equal(new Set(serials).size, 6);
    assert.ok(!serials.includes(undefined));
  });

  it("serves on with HTTP/1.1 for clients that offer only that, or nothing", async () => {
    assert.match(await request(undefined, { ALPNProtocols: ["http/1.1"] }), /200 OK/);
    assert.match(await request(undefined, {}), /200 OK/);
  });

  it("serves REST over HTTP/2 too", async () => {
    const { keyPem, certPem } = pki.host("Node");
    const session = connectHttp2(`https://${server.address}`, {
      rejectUnauthorized: false,
      key: keyPem,
      cert: certPem,
    });
    const stream = session.request({ ":path": "/v2/domain" });
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
    assert.equal(headers[":status"], 200);
    assert.equal(String((await stream.toArray()).join("")), '"wire.test"');
    assert.equal(server.callers.at(-1)?.peer?.identity.roles[0], "Node");
    session.close();
  });

  it("refuses old TLS and malformed server names, and takes unknown ones", async () => {
    const old: ConnectionOptions = { maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "ALL@SECLEVEL=0" };
    assert.doesNotMatch(await request(undefined, old).catch(String), /HTTP/);
    for (const servername of [
      "zz.teleport.cluster.local",
      "776.teleport.cluster.local",
      "ff.teleport.cluster.local",
    ]) {
      assert.doesNotMatch(await request(undefined, { servername }).catch(String), /HTTP/, servername);
    }
    for (const servername of [encodeClusterName("other"), "example.com", ""]) {
      assert.match(await request(undefined, { servername }), /200 OK/, servername);
    }
  });

  it("takes a connection whose first bytes a multiplexer has looked at, with the client's own address", async () => {
    const mux = createServer({ pauseOnConnect: false }, (socket) => {
      socket.once("readable", () => {
        const peeked = socket.read() as Buffer;
        socket.unshift(peeked);
        server.api.accept(socket, "203.0.113.7:4242");
      });
    });
    mux.listen(0, "127.0.0.1");
    await once(mux, "listening");
    const { port } = mux.address() as AddressInfo;
    assert.match(await request(pki.host("Node"), { port }), /200 OK/);
    assert.equal(server.callers.at(-1)?.remoteAddress, "203.0.113.7:4242");
    mux.close();
  });

  it("is not disturbed by garbage, half-open and resetting clients", async () => {
    const api = connectAuth({
      addresses: [server.address],
      credentials: pki.host("Node"),
      authorities: [pki.hostAuthorityPem],
    });
    const hostile: Socket[] = [];
    for (let i = 0; i < 200; i++) {
      const socket = connectTcp(server.port, "127.0.0.1");
      socket.on("error", () => undefined);
      hostile.push(socket);
      if (i % 4 === 0) socket.write("GET / HTTP/1.1\r\n\r\n");
      if (i % 4 === 1) socket.write(Buffer.from("16030100ff0100", "hex"));
      if (i % 4 === 2) socket.once("connect", () => socket.resetAndDestroy());
    }
    assert.equal(await api.getDomainName(), "wire.test");
    for (const socket of hostile) socket.destroy();
    assert.equal(await api.getDomainName(), "wire.test");
    await api.close();
  });

  it("is spoken to by openssl", async function () {
    const folder = await mkdtemp(path.join(tmpdir(), "api-tls-"));
    try {
      const { keyPem, certPem } = pki.host("Node");
      await writeFile(path.join(folder, "key"), keyPem, { mode: 0o600 });
      await writeFile(path.join(folder, "cert"), certPem);
      await writeFile(path.join(folder, "ca"), pki.hostAuthorityPem);
      const sni = encodeClusterName("wire.test");
      const output = await openssl(
        ["-connect", server.address, "-servername", sni, "-verify_return_error", "-verify_hostname", sni]
          .concat(["-CAfile", path.join(folder, "ca"), "-key", path.join(folder, "key")])
          .concat(["-cert", path.join(folder, "cert"), "-ign_eof"]),
        "GET /v2/domain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      );
      assert.match(output, /Verify return code: 0 \(ok\)/);
      // The certificate request names the authorities of this cluster only.
      assert.equal(output.match(/^O = wire\.test, CN = wire\.test/gm)?.length, 2, output);
      assert.match(output, /"wire.test"/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("the API's limits", () => {
  let pki: TestPki;
  before(async () => {
    pki = await TestPki.create("wire.test");
  });

  it("drop the oldest connection without a request for a new one", async () => {
    const server = await startTestServer(pki, fake, { limits: { maxPending: 2 } });
    const open = async (): Promise<TLSSocket> => {
      const socket = connectTls({ host: "127.0.0.1", port: server.port, rejectUnauthorized: false });
      await once(socket, "secureConnect");
      return socket;
    };
    const oldest = await open();
    const closed = once(oldest.resume(), "close");
    const second = await open();
    const newest = await open();
    await closed;
    newest.write("GET /v2/domain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert.match(await readAll(newest), /200 OK/);
    second.destroy();
    await server.close();
  });

  it("close a connection that makes no request in time, but not one that has made one", async () => {
    const server = await startTestServer(pki, fake, { limits: { firstRequestMs: 200 } });
    const idle = connectTls({ host: "127.0.0.1", port: server.port, rejectUnauthorized: false });
    const busy = connectTls({ host: "127.0.0.1", port: server.port, rejectUnauthorized: false });
    busy.write("GET /v2/domain HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(busy, "data");
    idle.resume();
    await once(idle, "close");
    busy.write("GET /v2/domain HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(busy, "data");
    busy.destroy();
    await server.close();
  });

  it("bound the connections of one address", async () => {
    const server = await startTestServer(pki, fake, { limits: { maxPerAddress: 1 } });
    const first = connectTls({ host: "127.0.0.1", port: server.port, rejectUnauthorized: false });
    await once(first, "secureConnect");
    const second = connectTcp(server.port, "127.0.0.1");
    second.on("error", () => undefined).resume();
    await once(second, "close");
    first.destroy();
    await server.close();
  });
});

describe("draining the API", () => {
  it("ends watches with a retryable error, finishes requests, and takes no new ones", async () => {
    const pki = await TestPki.create("wire.test");
    let answer = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (answer = resolve));
    let arrived = (): void => undefined;
    const inFlight = new Promise<void>((resolve) => (arrived = resolve));
    const server = await startTestServer(pki, {
      async *watch(_kinds, signal) {
        yield { type: "init" };
        await once(signal, "abort");
      },
      async getRoles() {
        arrived();
        await waiting;
        return [];
      },
    });
    const api = connectAuth({
      addresses: [server.address],
      credentials: pki.host("Node"),
      authorities: [pki.hostAuthorityPem],
    });
    const events = api.watch([{ kind: "user" }], new AbortController().signal)[Symbol.asyncIterator]();
    assert.deepEqual((await events.next()).value, { type: "init" });
    const roles = api.getRoles();
    await inFlight;

    const drained = server.api.drain();
    await assert.rejects(events.next(), { code: "unavailable", message: "the auth server is restarting" });
    answer();
    assert.deepEqual(await roles, []);
    await drained;
    await assert.rejects(
      api.upsertRole({} as never),
      (error) => hasCode(error, "unavailable") || hasCode(error, "bad_parameter"),
    );
    const late = connectTcp(server.port, "127.0.0.1");
    late.on("error", () => undefined).resume();
    await once(late, "close");
    await api.close();
    await server.close();
  });

  it("survives failures of the storage behind it", async () => {
    const pki = await TestPki.create("wire.test");
    const server = await startTestServer(pki, {
      getClusterName: () => Promise.reject(unavailable("etcd is away")),
    });
    const api = connectAuth({ addresses: [server.address], authorities: [pki.hostAuthorityPem] });
    await assert.rejects(api.getClusterName(), { code: "unavailable", message: "etcd is away" });
    await api.close();
    await server.close();
  });
});

async function readAll(socket: TLSSocket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function openssl(args: string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile("openssl", ["s_client", ...args], { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout + stderr);
    });
    child.stdin?.write(input);
  });
}
