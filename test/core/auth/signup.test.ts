import assert from "node:assert/strict";
import { parseSshCertificateLine } from "../../../core/pki/ssh-certificate.js";
import { keys } from "../../../core/resources/keys.js";
import { startAuth, totpCode, type AuthFixture } from "./auth-fixture.js";

const PASSWORD = "correct horse";
const HOUR = 3_600_000;
const USED_UP = { code: "access_denied", message: "expired or incorrect signup token" };

describe("invites", () => {
  let auth: AuthFixture;

  beforeEach(async () => {
    auth = await startAuth();
  });
  afterEach(() => auth.close());

  const invite = (name = "alice", ttlMs = 0): Promise<string> =>
    auth.as("Admin").createSignupToken({ name, allowed_logins: ["root", "ubuntu"] }, ttlMs);
  const open = (token: string) => auth.asNobody().getSignupToken(token);
  const redeem = (token: string, otp: string, password = PASSWORD) =>
    auth.asNobody().createUserWithToken({ token, password, otp_token: otp });

  it("make a user with the role admin and the invited logins, once, and audit it", async () => {
    const token = await invite();
    const { user, otp_key: secret, qr } = await open(token);
    assert.equal(user, "alice");
    assert.equal(secret.length, 32);
    assert.equal(Buffer.from(qr, "base64").subarray(1, 4).toString(), "PNG");
    const session = await redeem(token, totpCode(secret, auth.clock.now()));
    assert.equal(session.spec.user, "alice");
    const { spec } = await auth.as("Admin").getUser("alice");
    assert.deepEqual(spec.roles, ["admin"]);
    assert.deepEqual(spec.traits, { kubernetes_groups: null, logins: ["root", "ubuntu"] });
    assert.deepEqual(auth.events, [
      {
        event: "user.update",
        code: "T1002I",
        user: "alice",
        expires: "0001-01-01T00:00:00Z",
        roles: ["admin"],
        connector: "local",
      },
    ]);
    await assert.rejects(redeem(token, totpCode(secret, auth.clock.now())), USED_UP);
  });

  it("give the roles that they were made with, which must exist until then", async () => {
    const admin = auth.as("Admin");
    const make = (roles: string[]) =>
      admin.createSignupToken({ name: "alice", allowed_logins: ["root"], roles }, 0);
    for (const role of ["absent", "Admin"]) {
      await assert.rejects(make(["access", role]), {
        code: "bad_parameter",
        message: `role ${role} is not found: create it before giving it to a user`,
      });
    }
    const token = await make(["auditor", "access", "auditor"]);
    await assert.rejects(admin.deleteRole("access"), {
      code: "bad_parameter",
      message: "role access is promised to alice by an invite: remove that first",
    });
    await redeem(token, totpCode((await open(token)).otp_key, auth.clock.now()));
    assert.deepEqual((await admin.getUser("alice")).spec.roles, ["auditor", "access"]);
  });

  it("let somebody in whose roles allow no login", async () => {
    const admin = auth.as("Admin");
    const token = await admin.createSignupToken(
      { name: "alice", allowed_logins: ["root"], roles: ["auditor"] },
      0,
    );
    const session = await redeem(token, totpCode((await open(token)).otp_key, auth.clock.now()));
    const { principals } = parseSshCertificateLine(Buffer.from(session.spec.pub, "base64").toString());
    assert.match(principals.join(), /^-teleport-nologin-/);
    const auditor = auth.asUser("alice", { roles: ["auditor"] });
    await auditor.searchEvents({ from: new Date(0), to: auth.clock.now() });
    await assert.rejects(auditor.getUsers(), { code: "access_denied" });
  });

  it("are not made for a negative time, nor with logins that are no Unix users", async () => {
    await assert.rejects(invite("alice", -1), { code: "bad_parameter" });
    for (const login of ["-oProxy", "a,b", "ro\u001b[31m"]) {
      const inviting = auth.as("Admin").createSignupToken({ name: "alice", allowed_logins: [login] }, 0);
      await assert.rejects(inviting, { code: "bad_parameter" });
    }
  });

  it("are counted by the client that the proxy names", async () => {
    const proxy = auth.as("Proxy");
    const look = (from: string) => proxy.getSignupToken("xx", from);
    for (let i = 0; i < 10; i++) await assert.rejects(look("192.0.2.1:1"), USED_UP);
    await assert.rejects(look("192.0.2.1:2"), { code: "limit_exceeded" });
    await assert.rejects(look("192.0.2.2:1"), USED_UP);
  });

  it("show a new secret each time, and only the last one counts", async () => {
    const token = await invite();
    const first = await open(token);
    const second = await open(token);
    assert.notEqual(first.otp_key, second.otp_key);
    await assert.rejects(redeem(token, totpCode(first.otp_key, auth.clock.now())), {
      code: "access_denied",
      message: "failed to validate a token",
    });
    await redeem(token, totpCode(second.otp_key, auth.clock.now()));
  });

  it("are redeemed by one of two at once", async () => {
    const token = await invite();
    const code = totpCode((await open(token)).otp_key, auth.clock.now());
    const results = await Promise.allSettled([redeem(token, code), redeem(token, code)]);
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  });

  it("of one name are redeemed only once, and the first user stays as it is", async () => {
    const tokens = [await invite(), await invite()];
    const codes = await Promise.all(
      tokens.map(async (token) => totpCode((await open(token)).otp_key, auth.clock.now())),
    );
    const results = await Promise.allSettled(tokens.map((token, i) => redeem(token, codes[i] ?? "")));
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    await assert.rejects(invite(), { code: "already_exists", message: "user 'alice' already exists" });
  });

  it("expire", async () => {
    const token = await invite("alice", HOUR);
    const { otp_key: secret } = await open(token);
    auth.clock.advance(HOUR);
    await assert.rejects(open(token), USED_UP);
    await assert.rejects(redeem(token, totpCode(secret, auth.clock.now())), USED_UP);
  });

  it("live at most two days", async () => {
    await assert.rejects(invite("alice", 49 * HOUR), {
      code: "bad_parameter",
      message: "failed to invite user: maximum signup token TTL is 48 hours",
    });
  });

  it("refuse short and long passwords and a missing second factor, and stay good", async () => {
    const token = await invite();
    const code = totpCode((await open(token)).otp_key, auth.clock.now());
    await assert.rejects(redeem(token, code, "short"), /password is too short, min length is 6/);
    await assert.rejects(redeem(token, code, "x".repeat(129)), /password is too long, max length is 72/);
    await assert.rejects(redeem(token, ""), { message: "missing second factor" });
    await redeem(token, code);
  });

  it("leave no user behind, and stay good, where the audit log cannot be written", async () => {
    const token = await invite();
    const code = totpCode((await open(token)).otp_key, auth.clock.now());
    auth.failAudit(true);
    await assert.rejects(redeem(token, code), /audit log is full/);
    auth.failAudit(false);
    assert.deepEqual(await auth.as("Admin").getUsers(), []);
    await redeem(token, code);
  });

  it("can be revoked as tokens", async () => {
    const token = await invite();
    const listed = await auth.as("Admin").getTokens();
    assert.deepEqual(listed.find((known) => known.token === token)?.roles, ["Signup"]);
    await auth.as("Admin").deleteToken(token);
    await assert.rejects(open(token), USED_UP);
  });

  it("are made by administrators only", async () => {
    for (const api of [auth.asNobody(), auth.as("Proxy"), auth.as("Node"), auth.asUser("bob")]) {
      await assert.rejects(api.createSignupToken({ name: "eve", allowed_logins: ["root"] }, 0), {
        code: "access_denied",
      });
    }
  });

  it("show no secret where no second factor is asked for", async () => {
    await auth.close();
    auth = await startAuth({ authPreference: { type: "local", second_factor: "off", u2f: {} } });
    const token = await invite();
    assert.deepEqual(await open(token), { token, user: "alice", qr: "", otp_key: "" });
    await redeem(token, "");
  });

  it("store the password as 4.2 does", async () => {
    const token = await invite();
    await redeem(token, totpCode((await open(token)).otp_key, auth.clock.now()));
    const { value } = await auth.storage.get(keys.passwordHash("alice"));
    assert.match(Buffer.from(value).toString(), /^\$2a\$10\$.{53}$/);
  });
});
