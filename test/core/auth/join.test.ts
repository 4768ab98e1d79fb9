import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { parseSshCertificateLine } from "../../../core/pki/ssh-certificate.js";
import type { AuthApi } from "../../../core/auth/client/api.js";
import type { SystemRole } from "../../../core/resources/token.js";
import { joinRequest, startAuth, type AuthFixture } from "./auth-fixture.js";

const HOST = "22222222-2222-4222-8222-222222222222";
const OTHER = "33333333-3333-4333-8333-333333333333";
const HOUR_NS = 3_600e9;
const fromBase64 = (text: string | undefined): string => Buffer.from(text ?? "", "base64").toString();

describe("joining", () => {
  let auth: AuthFixture;

  beforeEach(async () => {
    auth = await startAuth();
  });
  afterEach(() => auth.close());

  const join = async (token: string, role: SystemRole = "Node", hostId = HOST) =>
    auth.asNobody().registerUsingToken(await joinRequest(token, role, hostId));
  const refused = (role: string, hostId = HOST) => ({
    code: "access_denied",
    message: `"node1" [${hostId}] can not join the cluster with role ${role}, the token is not valid`,
  });
  const makeToken = (request: { roles?: SystemRole[]; ttl?: number; token?: string; single_use?: boolean }) =>
    auth.as("Admin").generateToken({ roles: ["Node"], ttl: HOUR_NS, token: "", ...request });

  it("with a static token gives SSH and TLS certificates that name the host", async () => {
    const packed = await join("static-node-token");
    assert.equal(packed.key, null);
    const ssh = parseSshCertificateLine(fromBase64(packed.cert));
    assert.deepEqual(ssh.principals, [
      `${HOST}.example.test`,
      HOST,
      "node1.example.test",
      "node1",
      "10.0.0.5",
    ]);
    assert.equal(ssh.validBefore, null);
    assert.equal(ssh.keyId, "");
    assert.deepEqual(
      [...ssh.extensions],
      [
        ["x-teleport-authority", "example.test"],
        ["x-teleport-role", "Node"],
      ],
    );
    const tls = new X509Certificate(fromBase64(packed.tls_cert));
    assert.match(tls.subject, new RegExp(`CN=${HOST}\\.example\\.test`));
    assert.match(tls.subject, /O=Node/);
    assert.equal(tls.subjectAltName, "DNS:node1, IP Address:10.0.0.5");
    assert.ok(tls.verify(new X509Certificate(fromBase64(packed.tls_ca_certs[0])).publicKey));
    assert.equal(packed.ssh_ca_certs.length, 1);
  });

  it("refuses an unknown, an expired and a removed token with one text", async () => {
    await assert.rejects(join("no-such-token"), refused("Node"));
    await assert.rejects(join("not/a/token"), refused("Node"));
    const expired = await makeToken({ ttl: HOUR_NS });
    auth.clock.advance(3_600_000);
    await assert.rejects(join(expired), refused("Node"));
    const removed = await makeToken({});
    await auth.as("Admin").deleteToken(removed);
    await assert.rejects(join(removed), refused("Node"));
  });

  it("audits refusals, and bounds the guesses of one address", async () => {
    const guess = async (from: string) =>
      auth.asNobody(from).registerUsingToken(await joinRequest("no-such-token", "Node", HOST));
    for (let i = 0; i < 10; i++) {
      await assert.rejects(guess("192.0.2.1:1"), { code: "access_denied" });
    }
    await assert.rejects(guess("192.0.2.1:2"), { code: "limit_exceeded" });
    await assert.rejects(guess("192.0.2.2:1"), { code: "access_denied" });
    assert.equal(auth.events.length, 11);
    assert.equal(auth.events[0]?.code, "T3007W");
    assert.equal(auth.events[0]?.["addr.remote"], "192.0.2.1:1");
  });

  it("makes no token that can be guessed or whose ttl is none", async () => {
    for (const wrong of [{ token: "short" }, { ttl: -1 }, { ttl: 1 }, { ttl: 1e25 }]) {
      await assert.rejects(makeToken(wrong), { code: "bad_parameter" });
    }
  });

  it("refuses a role that the token does not give", async () => {
    await assert.rejects(join("static-node-token", "Proxy"), {
      code: "bad_parameter",
      message: `node "node1" [${HOST}] can not join the cluster, the token does not allow "Proxy" role`,
    });
    await assert.rejects(join("static-node-token", "Admin"), { code: "bad_parameter" });
  });

  it("with a dynamic token works again until it expires", async () => {
    const token = await makeToken({});
    await join(token);
    await join(token, "Node", OTHER);
  });

  it("with a single-use token admits one of two hosts at once, and nobody after", async () => {
    const token = await makeToken({ single_use: true });
    const results = await Promise.allSettled([join(token), join(token, "Node", OTHER)]);
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    await assert.rejects(join(token), refused("Node"));
  });

  it("with a single-use token for two roles admits one host in both", async () => {
    const token = await makeToken({ roles: ["Node", "Proxy"], single_use: true });
    await join(token, "Node");
    await assert.rejects(join(token, "Proxy", OTHER), refused("Proxy", OTHER));
    await join(token, "Proxy");
    await assert.rejects(join(token, "Proxy"), refused("Proxy"));
  });

  it("keeps single-use tokens where 4.2 does not see them", async () => {
    const token = await makeToken({ single_use: true, token: "only-once" });
    await assert.rejects(auth.storage.get(`/tokens/${token}`), { code: "not_found" });
    assert.ok((await auth.as("Admin").getTokens()).some((known) => known.token === token));
  });

  it("does not use up a single-use token for a request that is wrong", async () => {
    const token = await makeToken({ single_use: true });
    const request = await joinRequest(token, "Node", HOST);
    await assert.rejects(auth.asNobody().registerUsingToken({ ...request, public_ssh_key: "AAAA" }));
    await assert.rejects(
      auth.asNobody().registerUsingToken({ ...request, additional_principals: ["*.example.com"] }),
      { code: "bad_parameter" },
    );
    await auth.asNobody().registerUsingToken(request);
  });

  for (const name of [
    "*",
    "node?",
    "a,b",
    "two words",
    "teleport.cluster.local",
    "X.TELEPORT.cluster.local",
    OTHER,
    `${OTHER}.example.test`,
  ]) {
    it(`gives a node no certificate for ${name}`, async () => {
      const request = await joinRequest("static-node-token", "Node", HOST);
      for (const field of ["additional_principals", "dns_names"] as const) {
        await assert.rejects(auth.asNobody().registerUsingToken({ ...request, [field]: [name] }), {
          code: "bad_parameter",
        });
      }
    });
  }

  it("gives proxies the loopback address and the names of the API", async () => {
    const packed = await join(await makeToken({ roles: ["Proxy"] }), "Proxy");
    assert.ok(parseSshCertificateLine(fromBase64(packed.cert)).principals.includes("127.0.0.1"));
    const names = new X509Certificate(fromBase64(packed.tls_cert)).subjectAltName ?? "";
    assert.match(names, /DNS:\*\.teleport\.cluster\.local, DNS:teleport\.cluster\.local/);
  });

  it("puts the caller's address in the place of 0.0.0.0, and a proxy's word for it", async () => {
    const request = {
      ...(await joinRequest("static-node-token", "Node", HOST)),
      additional_principals: ["0.0.0.0"],
      remote_addr: "203.0.113.5:700",
    };
    const principals = async (api: AuthApi) =>
      parseSshCertificateLine(fromBase64((await api.registerUsingToken(request)).cert)).principals.at(-1);
    assert.equal(await principals(auth.asNobody("192.0.2.7:99")), "192.0.2.7");
    assert.equal(await principals(auth.as("Proxy")), "203.0.113.5");
  });

  it("lists, makes and removes tokens as 4.2 words it", async () => {
    const admin = auth.as("Admin");
    assert.match(await makeToken({}), /^[0-9a-f]{32}$/);
    assert.deepEqual((await admin.getTokens())[0], {
      roles: ["Node"],
      expires: "1970-01-01T00:00:00Z",
      token: "static-node-token",
    });
    await assert.rejects(admin.deleteToken("static-node-token"), {
      code: "bad_parameter",
      message: "token static-node-token is statically configured and cannot be removed",
    });
    await assert.rejects(admin.deleteToken("absent"), {
      code: "not_found",
      message: "the join token is not found: see tctl tokens ls",
    });
    await assert.rejects(makeToken({ roles: ["Admin"] }), { code: "bad_parameter" });
    await assert.rejects(makeToken({ token: "a/b" }), { code: "bad_parameter" });
  });

  it("takes tokens as resources, which must expire and be unknown or overwritten", async () => {
    const admin = auth.as("Admin");
    const token = (rest: object = {}) => ({
      token: "made-by-hand",
      roles: ["Node" as const],
      expires: "2026-11-22T13:00:00Z",
      ...rest,
    });
    await admin.createToken(token());
    assert.deepEqual(await admin.getToken("made-by-hand"), token());
    await assert.rejects(admin.createToken(token()), { code: "already_exists" });
    await admin.upsertToken(token({ roles: ["Proxy"] }));
    assert.deepEqual((await admin.getToken("made-by-hand")).roles, ["Proxy"]);
    const single = await admin.generateToken({ roles: ["Node"], ttl: 0, token: "", single_use: true });
    await assert.rejects(admin.createToken(token({ token: single })), { code: "already_exists" });
    assert.deepEqual((await admin.getToken("static-node-token")).expires, "1970-01-01T00:00:00Z");
    await assert.rejects(admin.getToken("absent"), {
      code: "not_found",
      message: "the join token is not found: see tctl tokens ls",
    });
    for (const expires of ["", "0001-01-01T00:00:00Z", "2026-11-22T12:00:00Z", "2036-11-23T12:00:00Z", "x"]) {
      await assert.rejects(admin.upsertToken(token({ expires })), { code: "bad_parameter" }, expires);
    }
    for (const wrong of [{ roles: [] }, { roles: ["Admin"] }, { token: "short" }, { token: "a/b/c/d/e" }]) {
      await assert.rejects(admin.createToken(token(wrong)), { code: "bad_parameter" });
    }
  });

  it("renews certificates only for the host and the role that ask", async () => {
    const { hostID: host_id, token: _token, role: _role, ...keys } = await joinRequest("", "Node", HOST);
    const renewal = { ...keys, host_id, roles: ["Node" as SystemRole], rotation: null };
    const packed = await auth.as("Node", HOST).generateServerKeys(renewal);
    assert.equal(parseSshCertificateLine(fromBase64(packed.cert)).principals[0], `${HOST}.example.test`);
    for (const api of [
      auth.as("Node", OTHER),
      auth.as("Proxy", HOST),
      auth.asUser("alice"),
      auth.asNobody(),
      auth.as("Admin"),
    ]) {
      await assert.rejects(async () => api.generateServerKeys(renewal), { code: "access_denied" });
    }
    await assert.rejects(
      async () => auth.as("Node", HOST).generateServerKeys({ ...renewal, roles: ["Node", "Proxy"] }),
      { code: "access_denied" },
    );
  });

  it("gives the auth server's own services identities without a token", async () => {
    const identity = await auth.server.issueHostIdentity("Admin", {
      nodeName: "authhost",
      principals: ["authhost"],
    });
    assert.match(
      new X509Certificate(identity.tlsCertificatePem).subjectAltName ?? "",
      /DNS:authhost, DNS:\*\.teleport\.cluster\.local, DNS:teleport\.cluster\.local/,
    );
    assert.equal(identity.tlsAuthorities.length, 1);
  });
});
