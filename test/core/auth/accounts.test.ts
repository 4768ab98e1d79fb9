import assert from "node:assert/strict";
import type { User } from "../../../core/resources/user.js";
import { keys } from "../../../core/resources/keys.js";
import { logIn, signUp, startAuth, totpCode, type AuthFixture } from "./auth-fixture.js";

const PASSWORD = "correct horse";

describe("accounts", () => {
  let auth: AuthFixture;

  beforeEach(async () => {
    auth = await startAuth();
  });
  afterEach(() => auth.close());

  const role = (name: string) => ({
    kind: "role" as const,
    version: "v3",
    metadata: { name },
    spec: { options: {}, allow: { logins: ["root"] }, deny: {} },
  });

  it("are removed whole, and their neighbours stay", async () => {
    await signUp(auth, "al", PASSWORD);
    const secret = await signUp(auth, "alice", PASSWORD);
    auth.events.length = 0;
    await auth.as("Admin").deleteUser("al");
    const left: string[] = [];
    for await (const { key } of auth.storage.range({ start: keys.ofUser("al"), end: "/web/users/al0" })) {
      left.push(key);
    }
    assert.deepEqual(left, []);
    await logIn(auth, "alice", { password: PASSWORD, code: totpCode(secret, auth.clock.now()) });
    assert.deepEqual(
      (await auth.as("Admin").getUsers()).map(({ metadata }) => metadata.name),
      ["alice"],
    );
    assert.deepEqual(auth.events.slice(0, 2), [
      {
        event: "lock.created",
        code: "TLK00I",
        name: "deleted-user:al",
        target: { user: "al" },
        message: 'user "al" was deleted',
      },
      { event: "user.delete", code: "T1003I", user: "al" },
    ]);
    await assert.rejects(auth.as("Admin").deleteUser("al"), {
      code: "not_found",
      message: 'user "al" is not found',
    });
  });

  it("show their secrets to the auth server only, and keep those that an export brings", async () => {
    await signUp(auth, "alice", PASSWORD);
    const admin = auth.as("Admin");
    const exported = await admin.getUser("alice", true);
    assert.match(Buffer.from(exported.spec.local_auth?.password_hash ?? "", "base64").toString(), /^\$2a\$/);
    assert.equal((await admin.getUser("alice")).spec.local_auth, undefined);
    await admin.deleteUser("alice");
    await admin.upsertUser(exported);
    const stored = Buffer.from((await auth.storage.get(keys.user("alice"))).value).toString();
    assert.ok(!stored.includes("local_auth"));
    const code = totpCode(exported.spec.local_auth?.totp_key ?? "", auth.clock.now());
    await logIn(auth, "alice", { password: PASSWORD, code });
  });

  for (const name of ["Admin", "ADMIN", "node", "Proxy", "trusted_cluster", "nop"]) {
    it(`refuse a role named ${name}`, async () => {
      await assert.rejects(auth.as("Admin").upsertRole(role(name)), { code: "bad_parameter" });
    });
  }

  it("refuse a role with a field that does not exist, since it might have denied something", async () => {
    const typo = { ...role("dev"), spec: { ...role("dev").spec, deny: { login: ["root"] } } };
    await assert.rejects(auth.as("Admin").upsertRole(typo as never), {
      code: "bad_parameter",
      message: 'role "dev": there is no field spec.deny.login',
    });
  });

  it("refuse a role whose label pattern cannot be compiled", async () => {
    const broken = { ...role("dev"), spec: { ...role("dev").spec, deny: { node_labels: { env: "^([$" } } } };
    await assert.rejects(auth.as("Admin").upsertRole(broken), {
      code: "bad_parameter",
      message: /^role "dev": deny\.node_labels\.env: /,
    });
  });

  it("are created where there are none of that name, by one of two at once", async () => {
    const admin = auth.as("Admin");
    const make = (name: string) => admin.createRole(role(name));
    const both = await Promise.allSettled([make("dev"), make("dev")]);
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
    await assert.rejects(make("dev"), { code: "already_exists" });
    await assert.rejects(make("Admin"), { code: "bad_parameter" });

    await signUp(auth, "alice", PASSWORD);
    const alice = await admin.getUser("alice", true);
    await assert.rejects(admin.createUser(alice), { code: "already_exists" });
    const bob = { ...alice, metadata: { name: "bob" } };
    await admin.createUser(bob);
    const code = totpCode(alice.spec.local_auth?.totp_key ?? "", auth.clock.now());
    await logIn(auth, "bob", { password: PASSWORD, code });
  });

  it("are audited with who changed a role", async () => {
    await auth.asUser("alice").createRole(role("dev"));
    await auth.asUser("alice").upsertRole(role("dev"));
    await auth.as("Admin").deleteRole("dev");
    assert.deepEqual(auth.events, [
      { event: "role.updated", code: "T9000I", name: "dev", user: "alice" },
      { event: "role.updated", code: "T9000I", name: "dev", user: "alice" },
      { event: "role.deleted", code: "T9001I", name: "dev" },
    ]);
  });

  it("refuse a user with a role that does not exist, and keep roles that are in use", async () => {
    const admin = auth.as("Admin");
    await signUp(auth, "alice", PASSWORD);
    const alice = await admin.getUser("alice");
    const withRoles = (roles: string[]): User => ({ ...alice, spec: { ...alice.spec, roles } });
    await assert.rejects(admin.upsertUser(withRoles(["absent"])), { code: "bad_parameter" });
    await admin.upsertRole(role("dev"));
    await admin.upsertUser(withRoles(["dev"]));
    await assert.rejects(admin.deleteRole("dev"), {
      code: "bad_parameter",
      message: "role dev is still used by the user alice",
    });
    await assert.rejects(admin.deleteRole("admin"), { code: "bad_parameter" });
  });

  it("refuse names that cannot be part of a key", async () => {
    for (const name of ["a/b", "../admin", "a b", "", "é"]) {
      await assert.rejects(auth.as("Admin").createSignupToken({ name, allowed_logins: ["root"] }, 0));
    }
  });
});
