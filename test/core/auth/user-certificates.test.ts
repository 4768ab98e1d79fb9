import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { generateEd25519KeyPair, generateRsaKeyPair } from "../../../core/pki/keys.js";
import { parseSshCertificateLine } from "../../../core/pki/ssh-certificate.js";
import { sshPublicLine } from "../../../core/pki/ssh-key.js";
import { parseTlsIdentity } from "../../../core/pki/tls-identity.js";
import type { UserCertsRequest } from "../../../core/auth/client/api.js";
import { signUp, startAuth, type AuthFixture } from "./auth-fixture.js";

const HOUR = 3_600_000;

describe("user certificates", () => {
  let auth: AuthFixture;

  before(async () => {
    auth = await startAuth();
    await signUp(auth, "alice", "correct horse");
  });
  after(() => auth.close());

  const inHours = (hours: number): Date => new Date(auth.clock.now().getTime() + hours * HOUR);
  const request = (rest: Partial<UserCertsRequest> = {}): UserCertsRequest => ({
    publicKey: sshPublicLine(generateEd25519KeyPair().publicKey),
    username: "alice",
    expires: inHours(1),
    ...rest,
  });

  it("say the same in SSH and in TLS", async () => {
    const { ssh, tls } = await auth.as("Admin").generateUserCerts(request({ routeToCluster: "leaf.test" }));
    const certificate = parseSshCertificateLine(ssh);
    assert.equal(certificate.extensions.get("teleport-route-to-cluster"), "leaf.test");
    assert.deepEqual(certificate.validBefore, inHours(1));
    const identity = parseTlsIdentity(new X509Certificate(tls));
    assert.equal(identity.username, "alice");
    assert.deepEqual(identity.roles, ["admin"]);
    assert.deepEqual(identity.logins, ["root"]);
    assert.deepEqual(identity.traits, { kubernetes_groups: null, logins: ["root"] });
    assert.equal(identity.routeToCluster, "leaf.test");
    assert.equal(identity.issuerCluster, "example.test");
    assert.deepEqual(identity.expires, inHours(1));
  });

  it("are capped by the roles unless an administrator signs them", async () => {
    const month = request({ expires: inHours(720) });
    const byAdmin = await auth.as("Admin").generateUserCerts(month);
    assert.deepEqual(parseSshCertificateLine(byAdmin.ssh).validBefore, inHours(720));
    const own = await auth.asUser("alice", { expires: inHours(1000) }).generateUserCerts(month);
    assert.deepEqual(parseSshCertificateLine(own.ssh).validBefore, inHours(30));
  });

  it("never outlive the certificate that they are asked for with", async () => {
    const own = await auth
      .asUser("alice", { expires: inHours(2) })
      .generateUserCerts(request({ expires: inHours(9) }));
    assert.deepEqual(parseSshCertificateLine(own.ssh).validBefore, inHours(2));
    assert.deepEqual(parseTlsIdentity(new X509Certificate(own.tls)).expires, inHours(2));
  });

  it("are given to their own user only", async () => {
    for (const api of [auth.asUser("bob"), auth.as("Proxy"), auth.as("Node"), auth.asNobody()]) {
      await assert.rejects(api.generateUserCerts(request()), {
        code: "access_denied",
        message: "this request can be only executed by an admin",
      });
    }
  });

  it("are not renewed for a user who is gone", async () => {
    await assert.rejects(auth.asUser("ghost").generateUserCerts(request({ username: "ghost" })), {
      code: "access_denied",
      message: "the user ghost does not exist any more",
    });
  });

  it("without the extensions of Teleport are made for old servers", async () => {
    const { ssh } = await auth.as("Admin").generateUserCerts(request({ format: "oldssh" }));
    assert.deepEqual(
      [...parseSshCertificateLine(ssh).extensions.keys()],
      ["permit-agent-forwarding", "permit-port-forwarding", "permit-pty"],
    );
    await assert.rejects(auth.as("Admin").generateUserCerts(request({ format: "new" })), {
      code: "bad_parameter",
    });
  });

  it("give no more than the certificate that they are asked for with, nor than the user still has", async () => {
    for (const roles of [["absent"], ["Node"], []]) {
      await assert.rejects(auth.asUser("alice", { roles }).generateUserCerts(request()), {
        code: "access_denied",
        message: "the user alice has no role for a certificate: log in again, or ask for a role",
      });
    }
    const greedy = { roles: ["admin", "absent"], traits: { logins: ["root", "daemon"] } };
    const { tls } = await auth.asUser("alice", greedy).generateUserCerts(request());
    const { roles, logins } = parseTlsIdentity(new X509Certificate(tls));
    assert.deepEqual({ roles, logins }, { roles: ["admin"], logins: ["root"] });
  });

  it("that allow no login have a principal that is none, and so not every one", async () => {
    const { ssh, tls } = await auth.asUser("alice", { traits: {} }).generateUserCerts(request());
    const { principals } = parseSshCertificateLine(ssh);
    assert.equal(principals.length, 1);
    assert.match(principals[0]!, /^-teleport-nologin-[0-9a-f-]{36}$/);
    assert.deepEqual(parseTlsIdentity(new X509Certificate(tls)).logins, principals);
  });

  it("end with their user", async () => {
    const admin = auth.as("Admin");
    const alice = await admin.getUser("alice");
    await admin.createUser({ ...alice, metadata: { name: "temp", expires: inHours(2).toISOString() } });
    const { ssh, tls } = await admin.generateUserCerts(request({ username: "temp", expires: inHours(9) }));
    assert.deepEqual(parseSshCertificateLine(ssh).validBefore, inHours(2));
    assert.deepEqual(parseTlsIdentity(new X509Certificate(tls)).expires, inHours(2));
    const spec = { ...alice.spec, expires: inHours(-1).toISOString() };
    await admin.createUser({ ...alice, metadata: { name: "gone" }, spec });
    await assert.rejects(admin.generateUserCerts(request({ username: "gone" })), {
      code: "access_denied",
      message: "the user gone has expired",
    });
  });

  it("are not made for RSA keys that are too short", async () => {
    const { publicKey } = await generateRsaKeyPair();
    await auth.as("Admin").generateUserCerts(request({ publicKey: sshPublicLine(publicKey) }));
    await assert.rejects(auth.as("Admin").generateUserCerts(request({ publicKey: SHORT_KEY })), {
      code: "bad_parameter",
    });
  });
});

const SHORT_KEY =
  "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCfBgkN16YwP8hEmI7MpALMyfACGth8dSTZ8bPDeLQ5CuF43fJrY2gO/lTOxb6D8iOaikuRaiKSRQgboVe5kph58OCyfUSMB+IDG99ZjDDEZf6OpUFr7gALoRU7j5r7GiTiIm9P/9Y7JiZVY0b5zdflpwr26hiNhm3fV3ucInR/uw==";
