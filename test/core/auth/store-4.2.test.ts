import assert from "node:assert/strict";
import { keys } from "../../../core/resources/keys.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { readStore42, readStoredRows } from "../resources/store-4.2.js";
import { joinRequest, logIn, startAuth, totpCode, type AuthFixture } from "./auth-fixture.js";
import { MovingClock } from "./moving-clock.js";

// The passwords of the dump are not known. This vector of crypt_blowfish stands in for them.
const PASSWORD = "U*U";
const HASHES = [
  "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
  "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
  "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
];
const ALICE_SECRET = "7QKUPN3UAM4TDOHH";
const BOB_SECRET = "ZOAPXIYERRHSO6PJ";

describe("a store that 4.2 wrote", () => {
  let auth: AuthFixture;

  beforeEach(async () => {
    const clock = new MovingClock("2026-11-22T11:13:00Z");
    const storage = createMemoryStorage(clock);
    for (const { item } of readStore42()) {
      await storage.put(item);
    }
    for (const user of ["alice", "bob"]) {
      await storage.put({ key: keys.passwordHash(user), value: Buffer.from(HASHES[0] ?? "") });
    }
    auth = await startAuth({ clusterName: "store.test" }, { storage, clock });
  });
  afterEach(() => auth.close());

  const withCode = (secret: string) => ({ password: PASSWORD, code: totpCode(secret, auth.clock.now()) });

  it("keeps its name, its id and its authorities byte for byte", async () => {
    const renamed = await startAuth(
      { clusterName: "another.name" },
      { storage: auth.storage, clock: auth.clock },
    );
    assert.equal(renamed.server.clusterName, "store.test");
    const config = await renamed.as("Admin").getClusterConfig();
    assert.equal(config.spec.cluster_id, "50bd0899-ef90-4e4e-8b10-4598b2aa0736");
    for (const { key, text } of readStore42().filter((row) => row.key.startsWith(keys.authorities))) {
      assert.equal(Buffer.from((await auth.storage.get(key)).value).toString(), text);
    }
    assert.equal(renamed.server.trustedAuthorities.current().length, 3);
    await renamed.close();
  });

  it("logs its users in with their passwords and their devices", async () => {
    const reply = await logIn(auth, "alice", withCode(ALICE_SECRET));
    assert.equal(reply.host_signers[0]?.domain_name, "store.test");
  });

  for (const hash of HASHES) {
    it(`takes passwords stored as ${hash.slice(0, 4)}`, async () => {
      await auth.storage.put({ key: keys.passwordHash("alice"), value: Buffer.from(hash) });
      await logIn(auth, "alice", withCode(ALICE_SECRET));
    });
  }

  it("keeps the locks that 4.2 has set until they run out", async () => {
    await assert.rejects(logIn(auth, "bob", withCode(BOB_SECRET)), {
      code: "access_denied",
      message: "bob exceeds 5 failed login attempts, locked until Sun Nov 22 11:24 UTC",
    });
    auth.clock.advance(12 * 60_000);
    await logIn(auth, "bob", withCode(BOB_SECRET));
  });

  it("refuses users with a counter-based device, which 4.2 asks for in place of a code", async () => {
    await auth.storage.put({ key: keys.hotp("alice"), value: Buffer.from("DER") });
    await assert.rejects(logIn(auth, "alice", withCode(ALICE_SECRET)), { code: "access_denied" });
  });

  it("admits hosts with its dynamic tokens until they expire", async () => {
    const request = await joinRequest("fixedtoken00112233", "Proxy");
    await auth.asNobody().registerUsingToken(request);
    auth.clock.advance(2 * 3_600_000);
    await assert.rejects(auth.asNobody().registerUsingToken(request), { code: "access_denied" });
  });

  it("redeems its invites, with the device that was set up from them", async () => {
    const session = await auth.asNobody().createUserWithToken({
      token: "2d80670827454f007d84fb379d59258e",
      password: "correct horse",
      otp_token: totpCode("P4K5A5GGP3VARU2E", auth.clock.now()),
    });
    assert.equal(session.spec.user, "pending");
  });

  it("gives its web sessions back until they expire", async () => {
    const id = "6d30d729c56cc08df444674361b62cfd";
    const load = () => auth.as("Proxy").authenticateWeb({ username: "alice", session: { id } });
    assert.equal((await load()).metadata.name, id);
    auth.clock.advance(60_000);
    await assert.rejects(load(), { code: "not_found" });
  });

  it("lists its users, roles and hosts", async () => {
    const admin = auth.as("Admin");
    const names = (list: readonly { metadata: { name: string } }[]) =>
      list.map(({ metadata }) => metadata.name);
    assert.deepEqual(names(await admin.getUsers()), ["alice", "bob", "carol"]);
    assert.deepEqual(names(await admin.getRoles()), ["access", "admin", "auditor", "dev", "editor"]);
    assert.equal((await admin.getNodes("default")).length, 2);
    assert.equal((await admin.getCertAuthorities("host")).length, 2);
  });

  it("is left so that 4.2 can be started on it again", async () => {
    await logIn(auth, "alice", withCode(ALICE_SECRET));
    await auth.as("Admin").generateToken({ roles: ["Node"], ttl: 0, token: "", single_use: true });
    for await (const { key, value } of auth.storage.range({ start: "!", end: "~" })) {
      assert.notEqual(value.length, 0, key);
      if (key.startsWith("/roles")) {
        assert.match(key, /^\/roles\/[^/]+\/params$/);
      }
      if (key.startsWith("/tokens")) {
        assert.match(key, /^\/tokens\/[^/]+$/);
      }
      assert.ok(!key.startsWith(".locks/"), "the start-up lock was left behind");
    }
  });

  it("of a leaf whose trust is switched off keeps the authorities that are put aside", async () => {
    const clock = new MovingClock("2026-11-22T11:13:00Z");
    const storage = createMemoryStorage(clock);
    const rows = readStoredRows("store-4.2", "leaf-disabled.jsonl");
    for (const { item } of rows) await storage.put(item);
    const leaf = await startAuth({ clusterName: "leaf.test" }, { storage, clock });
    const aside = rows.filter(({ key }) => key.startsWith("/authorities/deactivated/"));
    assert.equal(aside.length, 2);
    for (const { key, text } of aside) {
      assert.equal(Buffer.from((await storage.get(key)).value).toString(), text);
    }
    // Nobody is let in by them.
    assert.ok(!leaf.server.trustedAuthorities.current().some(({ cluster }) => cluster === "store.test"));
    const [trust] = (await leaf.as("Admin").getKeptResources("trusted_cluster")).slice(-1);
    assert.equal((trust?.spec as { enabled: boolean }).enabled, false);
    await leaf.close();
  });
});
