import assert from "node:assert/strict";
import type { WatchEvent, WatchKind } from "../../../core/auth/client/api.js";
import { watchKinds } from "../../../core/auth/watch.js";
import { keys } from "../../../core/resources/keys.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { signUp, startAuth, type AuthFixture } from "./auth-fixture.js";

const HOST = "22222222-2222-4222-8222-222222222222";

describe("watches", () => {
  let auth: AuthFixture;
  let stop: AbortController;

  beforeEach(async () => {
    auth = await startAuth();
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await auth.close();
  });

  /** A watch that has begun. */
  const begin = async (kinds: WatchKind[], api = auth.as("Admin")): Promise<AsyncIterator<WatchEvent>> => {
    const events = api.watch(kinds, stop.signal)[Symbol.asyncIterator]();
    assert.deepEqual((await events.next()).value, { type: "init" });
    return events;
  };
  const next = async (events: AsyncIterator<WatchEvent>): Promise<WatchEvent> => {
    const result = await events.next();
    assert.ok(!result.done, "the watch has ended");
    return result.value;
  };

  it("yield changes of the kinds that were asked for, in order", async () => {
    const events = await begin([{ kind: "node" }, { kind: "role" }]);
    const admin = auth.as("Admin");
    await admin.upsertProxy(server);
    await admin.upsertNode(server);
    await admin.upsertRole(role);
    await admin.deleteRole("dev");
    await admin.deleteNode("default", HOST);
    const first = await next(events);
    assert.ok(first.type === "put" && first.resource.kind === "node");
    const second = await next(events);
    assert.ok(second.type === "put" && second.resource.kind === "role");
    assert.deepEqual(await next(events), { type: "delete", kind: "role", subKind: "", name: "dev" });
    assert.deepEqual(await next(events), { type: "delete", kind: "node", subKind: "", name: HOST });
  });

  it("show users, and nothing of what lies beside them", async () => {
    const events = await begin([{ kind: "user" }]);
    await signUp(auth, "alice", "correct horse");
    await auth.as("Admin").deleteUser("alice");
    const put = await next(events);
    assert.ok(put.type === "put" && put.resource.kind === "user");
    assert.ok(!JSON.stringify(put).includes("local_auth"));
    assert.deepEqual(await next(events), { type: "delete", kind: "user", subKind: "", name: "alice" });
  });

  it("show private keys of authorities only to who may read them and asks", async () => {
    const touch = async (): Promise<void> => {
      const { key, value } = await auth.storage.get(keys.authority("user", "example.test"));
      await auth.storage.put({ key, value });
    };
    const kind = "cert_authority";
    const bare = await begin([{ kind }]);
    const whole = await begin([{ kind, loadSecrets: true }]);
    await touch();
    assert.ok(!JSON.stringify(await next(bare)).includes("signing_keys"));
    assert.ok(JSON.stringify(await next(whole)).includes("signing_keys"));
    await assert.rejects(begin([{ kind, loadSecrets: true }], auth.as("Node")), { code: "access_denied" });
  });

  it("of one name leave out the others", async () => {
    const events = await begin([{ kind: "role", name: "dev" }]);
    await auth.as("Admin").upsertRole({ ...role, metadata: { name: "ops" } });
    await auth.as("Admin").upsertRole(role);
    const event = await next(events);
    assert.ok(event.type === "put" && event.resource.metadata.name === "dev");
  });

  it("of nodes are not for users, who may see some of them only", async () => {
    await assert.rejects(begin([{ kind: "node" }], auth.asUser("alice")), { code: "access_denied" });
  });

  it("of users end when the user loses the right to them", async () => {
    const admin = auth.as("Admin");
    await signUp(auth, "alice", "correct horse");
    await admin.createRole({ ...role, metadata: { name: "none" } });
    const alice = auth.asUser("alice");
    const events = await begin([{ kind: "role" }], alice);
    const stays = await begin([{ kind: "cluster_name" }], auth.asUser("alice", { roles: ["admin", "none"] }));
    const next = assert.rejects(Promise.resolve(events.next()), { code: "access_denied", message: /"role"/ });
    const user = await admin.getUser("alice");
    await admin.upsertUser({ ...user, spec: { ...user.spec, roles: ["none"] } });
    await next;
    const still = stays.next();
    stop.abort();
    assert.equal((await still).done, true);
  });

  it("of users end when the certificate expires", async () => {
    const events = await begin([{ kind: "role" }], auth.asUser("alice"));
    const next = assert.rejects(Promise.resolve(events.next()), {
      code: "access_denied",
      message: "your certificate has expired: log in again",
    });
    auth.clock.advance(3_600_000);
    await next;
  });

  it("refuse kinds that do not exist", async () => {
    await assert.rejects(begin([{ kind: "secrets" }]), { code: "bad_parameter" });
    await assert.rejects(begin([]), { code: "bad_parameter" });
  });

  it("return when they are aborted", async () => {
    const events = await begin([{ kind: "node" }]);
    const ended = events.next();
    stop.abort();
    assert.equal((await ended).done, true);
  });

  it("end with an error where changes were lost", async () => {
    const storage = createMemoryStorage(auth.clock, { historySize: 2 });
    const events = watchKinds(storage, [{ kind: "role" }], stop.signal);
    assert.deepEqual((await events.next()).value, { type: "init" });
    for (let i = 0; i < 10; i++) {
      await storage.put({ key: keys.role(`r${i}`), value: Buffer.from("{}") });
    }
    await assert.rejects(
      async () => {
        for await (const _event of events);
      },
      { code: "unavailable" },
    );
  });
});

const server = {
  kind: "node" as const,
  version: "v2",
  metadata: { name: HOST },
  spec: { addr: "10.0.0.5:3022", hostname: "node1" },
};
const role = {
  kind: "role" as const,
  version: "v3",
  metadata: { name: "dev" },
  spec: { options: {}, allow: { logins: ["root"] }, deny: {} },
};
