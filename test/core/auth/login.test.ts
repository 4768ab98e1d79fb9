import assert from "node:assert/strict";
import { hasCode } from "../../../core/errors/error.js";
import { parseSshCertificateLine } from "../../../core/pki/ssh-certificate.js";
import { keys } from "../../../core/resources/keys.js";
import { logIn, signUp, startAuth, totpCode, type AuthFixture } from "./auth-fixture.js";

const PASSWORD = "correct horse";
const REFUSED = { code: "access_denied", message: "invalid username, password or second factor" };

describe("logins", () => {
  let auth: AuthFixture;
  let secret: string;

  beforeEach(async () => {
    auth = await startAuth();
    secret = await signUp(auth, "alice", PASSWORD);
    auth.events.length = 0;
  });
  afterEach(() => auth.close());

  const code = (): string => totpCode(secret, auth.clock.now());

  it("gives SSH and TLS certificates for password and code, and audits it", async () => {
    const reply = await logIn(auth, "alice", { password: PASSWORD, code: code() }, "192.0.2.1:40000");
    const certificate = parseSshCertificateLine(Buffer.from(reply.cert, "base64").toString());
    assert.equal(certificate.keyId, "alice");
    assert.deepEqual(certificate.principals, ["root"]);
    assert.equal(certificate.signatureAlgorithm, "rsa-sha2-512");
    assert.equal(certificate.extensions.get("teleport-roles"), '{"version":"v1","roles":["admin"]}');
    assert.equal(
      certificate.extensions.get("teleport-traits"),
      '{"kubernetes_groups":null,"logins":["root"]}',
    );
    assert.equal(reply.host_signers[0]?.domain_name, "example.test");
    assert.deepEqual(auth.events, [
      {
        "event": "user.login",
        "code": "T1000I",
        "user": "alice",
        "method": "local",
        "success": true,
        "addr.remote": "192.0.2.1:40000",
      },
    ]);
  });

  it("refuses a wrong password, a wrong code and an unknown user with one text, and audits each", async () => {
    await assert.rejects(logIn(auth, "alice", { password: "wrong horse", code: code() }), REFUSED);
    await assert.rejects(logIn(auth, "alice", { password: PASSWORD, code: "000000" }), REFUSED);
    await assert.rejects(logIn(auth, "mallory", { password: PASSWORD, code: code() }), REFUSED);
    await assert.rejects(logIn(auth, "not a name", { password: PASSWORD, code: code() }), REFUSED);
    assert.deepEqual(
      auth.events.map((event) => event.code),
      ["T1000W", "T1000W", "T1000W", "T1000W"],
    );
  });

  it("asks for the second factor where the cluster does", async () => {
    await assert.rejects(logIn(auth, "alice", { password: PASSWORD }), {
      code: "access_denied",
      message: "missing second factor",
    });
  });

  it("accepts a code once, also by two logins at once", async () => {
    const both = { password: PASSWORD, code: code() };
    const results = await Promise.allSettled([logIn(auth, "alice", both), logIn(auth, "alice", both)]);
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    await assert.rejects(logIn(auth, "alice", both), REFUSED);
  });

  it("accepts a code once over two auth servers on one store", async () => {
    const other = await startAuth({}, { storage: auth.storage, clock: auth.clock });
    const both = { password: PASSWORD, code: code() };
    const results = await Promise.allSettled([logIn(auth, "alice", both), logIn(other, "alice", both)]);
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    await other.close();
  });

  it("accepts no earlier code after a later one", async () => {
    const earlier = code();
    auth.clock.advance(30_000);
    await logIn(auth, "alice", { password: PASSWORD, code: code() });
    await assert.rejects(logIn(auth, "alice", { password: PASSWORD, code: earlier }), REFUSED);
  });

  it("refuses the code that a 4.2 auth server has just accepted", async () => {
    const used = code();
    const expires = new Date(auth.clock.now().getTime() + 30_000);
    await auth.storage.put({ key: keys.usedTotp("alice"), value: Buffer.from(used), expires });
    await assert.rejects(logIn(auth, "alice", { password: PASSWORD, code: used }), REFUSED);
  });

  it("lets nobody in whose login cannot be audited", async () => {
    auth.failAudit(true);
    await assert.rejects(logIn(auth, "alice", { password: PASSWORD, code: code() }), /audit log is full/);
  });

  it("serves proxies only", async () => {
    for (const api of [auth.asNobody(), auth.as("Node"), auth.asUser("alice")]) {
      await assert.rejects(
        async () => api.authenticateWeb({ username: "alice", session: { id: "0".repeat(32) } }),
        (error) => hasCode(error, "access_denied"),
      );
    }
  });

  it("bounds the guesses of one client", async () => {
    const guesses = Array.from({ length: 11 }, (_, i) =>
      logIn(auth, `user${i}`, { password: PASSWORD, code: "000000" }, "198.51.100.1:1000"),
    );
    const codes = (await Promise.allSettled(guesses)).map((result) =>
      result.status === "rejected" ? (result.reason as { code: string }).code : "fulfilled",
    );
    assert.equal(codes.filter((it) => it === "access_denied").length, 10);
    assert.equal(codes.filter((it) => it === "limit_exceeded").length, 1);
  });

  it("takes a password alone where second factors are off", async () => {
    await auth.close();
    auth = await startAuth({ authPreference: { type: "local", second_factor: "off", u2f: {} } });
    await signUp(auth, "bob", PASSWORD);
    await logIn(auth, "bob", { password: PASSWORD });
    await assert.rejects(logIn(auth, "bob", { password: "wrong horse" }), {
      code: "access_denied",
      message: "invalid username or password",
    });
  });

  it("refuses everybody, and every invitation, where local logins are switched off", async () => {
    const invite = await auth.as("Admin").createSignupToken({ name: "bob", allowed_logins: [] }, 0);
    const off = await startAuth(
      { clusterConfig: { ...(await auth.as("Admin").getClusterConfig()).spec, local_auth: false } },
      { storage: auth.storage, clock: auth.clock },
    );
    const attempts = [
      logIn(off, "alice", { password: PASSWORD, code: code() }),
      off.as("Admin").createSignupToken({ name: "carol", allowed_logins: [] }, 0),
      off.asNobody().getSignupToken(invite),
      off.asNobody().createUserWithToken({ token: invite, password: PASSWORD, otp_token: "" }),
    ];
    for (const attempt of attempts) {
      await assert.rejects(attempt, { code: "access_denied", message: "local auth disabled" });
    }
    await off.close();
  });
});
