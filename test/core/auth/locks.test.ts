import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { AuthApi } from "../../../core/auth/client/api.js";
import { generateEd25519KeyPair } from "../../../core/pki/keys.js";
import { parseSshCertificateLine } from "../../../core/pki/ssh-certificate.js";
import { sshPublicLine } from "../../../core/pki/ssh-key.js";
import { parseTlsIdentity } from "../../../core/pki/tls-identity.js";
import type { Lock } from "../../../core/resources/lock.js";
import { keys } from "../../../core/resources/keys.js";
import type { User } from "../../../core/resources/user.js";
import { logIn, signUp, startAuth, totpCode, type AuthFixture } from "./auth-fixture.js";

const PASSWORD = "correct horse";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const lock = (name: string, spec: Partial<Lock["spec"]>): Lock => ({
  kind: "lock",
  version: "v2",
  metadata: { name },
  spec: { target: { user: "alice" }, message: "Come to my office.", ...spec },
});
const LOCKED = {
  code: "access_denied",
  message: 'lock targeting User:"alice" is in force: Come to my office.',
};

describe("locks", () => {
  let auth: AuthFixture;
  let admin: AuthApi;
  let secret: string;

  beforeEach(async () => {
    auth = await startAuth();
    admin = auth.as("Admin");
    secret = await signUp(auth, "alice", PASSWORD);
    auth.events.length = 0;
  });
  afterEach(() => auth.close());

  const login = () => {
    auth.clock.advance(60_000);
    return logIn(auth, "alice", { password: PASSWORD, code: totpCode(secret, auth.clock.now()) });
  };
  const sign = (username = "alice") =>
    admin.generateUserCerts({
      publicKey: sshPublicLine(generateEd25519KeyPair().publicKey),
      username,
      expires: new Date(auth.clock.now().getTime() + 3_600_000),
    });

  it("refuse logins, which are audited as failed ones, and certificates", async () => {
    await admin.createLock(lock("a", {}));
    await assert.rejects(login(), LOCKED);
    assert.deepEqual(
      auth.events.map(({ event, code, error }) => ({ event, code, error })),
      [
        { event: "lock.created", code: "TLK00I", error: undefined },
        { event: "user.login", code: "T1000W", error: LOCKED.message },
      ],
    );
    await assert.rejects(sign(), LOCKED);
  });

  it("do not tell those who have no password", async () => {
    await admin.createLock(lock("a", {}));
    await assert.rejects(logIn(auth, "alice", { password: "wrong", code: "000000" }), {
      message: "invalid username, password or second factor",
    });
  });

  it("refuse web logins and open web sessions", async () => {
    const proxy = auth.as("Proxy");
    const code = totpCode(secret, auth.clock.now());
    const session = await proxy.authenticateWeb({
      username: "alice",
      otp: { password: base64(PASSWORD), token: code },
    });
    const reopen = () => proxy.authenticateWeb({ username: "alice", session: { id: session.metadata.name } });
    await reopen();
    await admin.createLock(lock("a", { target: { role: "admin" } }));
    await assert.rejects(reopen(), { message: /^lock targeting Role:"admin" is in force/ });
    await admin.deleteLock("a");
    await reopen();
    const later = new Date(auth.clock.now().getTime() + 1_000).toISOString();
    await admin.createLock(lock("b", { issued_before: later }));
    await assert.rejects(reopen(), LOCKED);
  });

  it("refuse whoever redeems an invite, and leave it good", async () => {
    const token = await admin.createSignupToken({ name: "bob", allowed_logins: ["root"] }, 0);
    await admin.createLock(lock("a", { target: { user: "bob" } }));
    const redeem = async () => {
      const { otp_key: key } = await auth.asNobody().getSignupToken(token);
      const otp = totpCode(key, auth.clock.now());
      return auth.asNobody().createUserWithToken({ token, password: PASSWORD, otp_token: otp });
    };
    await assert.rejects(redeem(), { code: "access_denied", message: /^lock targeting User:"bob"/ });
    await assert.rejects(admin.getUser("bob"), { code: "not_found" });
    await admin.deleteLock("a");
    await redeem();
  });

  it("refuse every call of a user, also on an interface that is open already", async () => {
    const alice = auth.asUser("alice");
    await alice.getRoles();
    await admin.createLock(lock("a", {}));
    await assert.rejects(alice.getRoles(), LOCKED);
    await assert.rejects(alice.ping(), LOCKED);
    await assert.rejects(alice.getUser("alice"), LOCKED);
    await auth.asUser("bob").getRoles();
    await auth.as("Node").getRoles();
    await admin.deleteLock("a");
    await alice.getRoles();
  });

  it("end a watch of a user at once", async () => {
    const stop = new AbortController();
    const events = auth
      .asUser("alice")
      .watch([{ kind: "role" }], stop.signal)
      [Symbol.asyncIterator]();
    assert.deepEqual((await events.next()).value, { type: "init" });
    const next = assert.rejects(Promise.resolve(events.next()), LOCKED);
    await admin.createLock(lock("b", { target: { user: "bob" } }));
    await admin.createLock(lock("a", {}));
    await next;
    stop.abort();
  });

  it("hold by role for the roles that the user still has", async () => {
    const [role] = await admin.getRoles();
    await admin.createRole({ ...role!, metadata: { name: "dev" } });
    await admin.createLock(lock("a", { target: { role: "dev" } }));
    await login();
    const alice = await admin.getUser("alice");
    await admin.upsertUser({ ...alice, spec: { ...alice.spec, roles: ["admin", "dev"] } });
    await assert.rejects(login(), { message: /^lock targeting Role:"dev"/ });
    await auth.asUser("alice", { roles: ["admin"] }).getRoles();
    await assert.rejects(auth.asUser("alice", { roles: ["admin", "dev"] }).getRoles(), {
      message: /^lock targeting Role:"dev"/,
    });
  });

  it("with several targets hold where all fit", async () => {
    await admin.createLock(lock("a", { target: { user: "alice", role: "absent" } }));
    await admin.createLock(lock("b", { target: { user: "alice", login: "root" } }));
    await admin.createLock(lock("c", { target: { node: "alice" } }));
    await login();
    await admin.createLock(lock("d", { target: { user: "alice", role: "admin" } }));
    await assert.rejects(login(), { message: /^lock targeting User:"alice" Role:"admin"/ });
  });

  it("end by themselves, each on its own", async () => {
    const inMinutes = (count: number) => new Date(auth.clock.now().getTime() + count * 60_000).toISOString();
    await admin.createLock(lock("short", { expires: inMinutes(5) }));
    await admin.createLock(lock("long", { expires: inMinutes(10) }));
    await assert.rejects(login(), LOCKED);
    auth.clock.advance(5 * 60_000);
    await assert.rejects(login(), LOCKED);
    auth.clock.advance(4 * 60_000);
    await login();
  });

  it("are refused where they would hold for everybody, or not at all", async () => {
    for (const target of [{}, { user: "" }, { users: "alice" }] as Lock["spec"]["target"][]) {
      await assert.rejects(admin.upsertLock(lock("a", { target })), { code: "bad_parameter" });
    }
    for (const spec of [{ expires: "2026-11-22T11:00:00Z" }, { expires: "soon" }, { issued_before: "x" }]) {
      await assert.rejects(admin.createLock(lock("a", spec)), { code: "bad_parameter" });
    }
    await assert.rejects(admin.createLock(lock("../a", {})), { code: "bad_parameter" });
    for (const target of [{ role: "admin" }, { user: "bob" }]) {
      await assert.rejects(admin.createLock(lock("deleted-user:alice", { target })), {
        code: "bad_parameter",
        message: /the name deleted-user:alice is kept for the lock of a deleted user/,
      });
    }
    assert.deepEqual(await admin.getLocks(), []);
    await admin.createLock(lock("a", {}));
    await assert.rejects(admin.createLock(lock("a", {})), { code: "already_exists" });
  });

  it("by issue time let a user log in again", async () => {
    await admin.createLock(lock("a", { issued_before: auth.clock.now().toISOString() }));
    await assert.rejects(auth.asUser("alice").ping(), LOCKED);
    const { tls } = await sign();
    const issuedAt = parseTlsIdentity(new X509Certificate(tls)).notBefore;
    assert.deepEqual(issuedAt, auth.clock.now());
    await auth.asUser("alice", { issuedAt }).ping();
    const tomorrow = new Date(auth.clock.now().getTime() + 24 * 3_600_000).toISOString();
    await admin.upsertLock(lock("a", { issued_before: tomorrow }));
    await assert.rejects(sign(), LOCKED);
  });

  describe("of deleted users", () => {
    let alice: User;
    const DELETED = {
      code: "access_denied",
      message: 'lock targeting User:"alice" is in force: user "alice" was deleted',
    };

    beforeEach(async () => {
      alice = await admin.getUser("alice", true);
    });

    const start = async (): Promise<Date> => {
      const { ssh, tls } = await sign();
      const { notBefore } = parseTlsIdentity(new X509Certificate(tls));
      assert.deepEqual(parseSshCertificateLine(ssh).validAfter, notBefore);
      return notBefore;
    };

    it("refuse their certificates for ever, also when the name is given again", async () => {
      const old = await start();
      await admin.deleteUser("alice");
      await assert.rejects(auth.asUser("alice", { issuedAt: old }).ping(), DELETED);
      await admin.createUser(alice);
      await assert.rejects(auth.asUser("alice", { issuedAt: old }).ping(), DELETED);
      auth.clock.advance(365 * 24 * 3_600_000);
      await assert.rejects(auth.asUser("alice", { issuedAt: old }).ping(), DELETED);
    });

    it("leave the certificates of a new user of the name good at once", async () => {
      auth.clock.advance(123);
      await admin.deleteUser("alice");
      await admin.createUser(alice);
      const issuedAt = await start();
      assert.ok(issuedAt <= auth.clock.now());
      await auth.asUser("alice", { issuedAt }).ping();
    });

    it("refuse those of the second user as well, deleted in the same second", async () => {
      const starts: Date[] = [];
      for (let i = 0; i < 3; i++) {
        starts.push(await start());
        await admin.deleteUser("alice");
        await admin.createUser(alice);
        for (const issuedAt of starts) {
          await assert.rejects(auth.asUser("alice", { issuedAt }).ping(), DELETED);
        }
      }
      await auth.asUser("alice", { issuedAt: await start() }).ping();
    });

    it("are written before the user is removed", async () => {
      const storage = auth.storage;
      const remove = storage.delete.bind(storage);
      storage.delete = async (key, revision) => {
        if (key === keys.user("alice")) throw new Error("the power fails");
        return remove(key, revision);
      };
      await assert.rejects(admin.deleteUser("alice"));
      await assert.rejects(auth.asUser("alice").ping(), DELETED);
      storage.delete = remove;
      await admin.deleteUser("alice");
    });

    it("refuse also the certificate that is made between the lock and the removal", async () => {
      const storage = auth.storage;
      const remove = storage.delete.bind(storage);
      let issuedAt: Date | undefined;
      storage.delete = async (key, revision) => {
        if (key === keys.user("alice")) issuedAt = await start();
        return remove(key, revision);
      };
      await admin.deleteUser("alice");
      assert.ok(issuedAt);
      await assert.rejects(auth.asUser("alice", { issuedAt }).ping(), DELETED);
    });

    it("are not read for other users, however many there are", async () => {
      for (let i = 0; i < 50; i++) {
        await admin.createLock(lock(`deleted-user:gone${i}`, { target: { user: `gone${i}` } }));
      }
      await admin.createLock(lock("z", { target: { user: "bob" } }));
      const storage = auth.storage;
      const range = storage.range.bind(storage);
      const read: string[] = [];
      storage.range = async function* (of, options) {
        for await (const item of range(of, options)) {
          read.push(item.key);
          yield item;
        }
      };
      await auth.asUser("alice").ping();
      assert.deepEqual(read, [keys.lock("z")]);
      await assert.rejects(auth.asUser("gone7").ping(), { code: "access_denied" });
      await assert.rejects(auth.asUser("bob").ping(), { code: "access_denied" });
    });

    it("grow whatever other deletion of the name comes in between", async () => {
      const storage = auth.storage;
      const create = storage.create.bind(storage);
      let other: Promise<void> | undefined;
      storage.create = async (item) => {
        if (item.key === keys.lock("deleted-user:alice") && other === undefined) {
          other = admin.deleteUser("alice");
          await other;
          await admin.createUser(alice);
        }
        return create(item);
      };
      const old = await start();
      await admin.deleteUser("alice");
      await admin.createUser(alice);
      await assert.rejects(auth.asUser("alice", { issuedAt: old }).ping(), DELETED);
      assert.equal(auth.events.filter(({ event }) => event === "lock.created").length, 2);
      const { spec } = (await admin.getLocks())[0]!;
      // Two deletions, each with a lock before and after: every one reaches a second further.
      assert.equal(Date.parse(spec.issued_before!), auth.clock.now().getTime() - 1_000 + 3_000);
    });

    it("are not written for names that nobody has", async () => {
      await assert.rejects(admin.deleteUser("ghost"), { code: "not_found" });
      assert.deepEqual(await admin.getLocks(), []);
    });

    it("have names that fit, however long the user's is", async () => {
      const name = "a".repeat(256);
      await admin.createUser({ ...alice, metadata: { name } });
      await admin.deleteUser(name);
      await assert.rejects(auth.asUser(name).ping(), { message: /was deleted$/ });
    });
  });
});
