import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { stringify } from "yaml";
import type { AuthSettings } from "../../../core/auth/settings.js";
import type { Storage } from "../../../core/plugin/storage.js";
import type { CertAuthority } from "../../../core/resources/authority.js";
import type { Role } from "../../../core/resources/role.js";
import type { User } from "../../../core/resources/user.js";
import { createMemoryStorage } from "../../../core/storage/memory-storage.js";
import { readStore42 } from "../resources/store-4.2.js";
import { temporaryFolder } from "../../kit/paths.js";
import { logIn, SETTINGS, signUp, startAuth, totpCode, type AuthFixture } from "./auth-fixture.js";

type Json = Record<string, unknown>;

const PASSWORD = "correct horse";

describe("--bootstrap", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let file: string;
  let old: AuthFixture;
  let secret: string;
  let users: User[];
  let authorities: CertAuthority[];
  before(async () => {
    old = await startAuth();
    secret = await signUp(old, "alice", PASSWORD);
    const admin = old.as("Admin");
    users = await admin.getUsers(true);
    const all = (["user", "host"] as const).map((type) => admin.getCertAuthorities(type, true));
    authorities = (await Promise.all(all)).flat();
  });
  after(() => old.close());
  beforeEach(async () => {
    ({ folder, remove } = await temporaryFolder());
    file = path.join(folder, "backup.yaml");
  });
  afterEach(() => remove());

  const save = (...resources: unknown[]): Promise<void> =>
    writeFile(file, resources.map((it) => stringify(it)).join("---\n"));
  const start = (storage: Storage, settings: Partial<AuthSettings> = {}): Promise<AuthFixture> =>
    startAuth({ bootstrapFile: file, ...settings }, { storage, clock: old.clock });
  const keysOf = async (storage: Storage): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of storage.range({ start: "/", end: "0" })) found.push(key);
    return found;
  };
  const developer: Role = {
    kind: "role",
    version: "v3",
    metadata: { name: "developer" },
    spec: { options: {}, allow: { logins: ["dev"], node_labels: { env: "dev" } }, deny: {} },
  };

  it("gives a new store the authorities, the roles, and the users with their secrets", async () => {
    const [alice] = users as [User];
    const bob: User = {
      ...alice,
      metadata: { name: "bob" },
      spec: { ...alice.spec, roles: ["developer"], local_auth: {} },
    };
    await save(bob, ...users, ...authorities, developer);
    const storage = createMemoryStorage(old.clock);
    const auth = await start(storage);
    const admin = auth.as("Admin");
    for (const type of ["user", "host"] as const) {
      assert.deepEqual(
        await admin.getCertAuthority(type, SETTINGS.clusterName, true),
        await old.as("Admin").getCertAuthority(type, SETTINGS.clusterName, true),
      );
    }
    assert.deepEqual((await admin.getUser("bob")).spec.roles, ["developer"]);
    assert.deepEqual((await admin.getRole("developer")).spec.allow.logins, ["dev"]);
    await logIn(auth, "alice", { password: PASSWORD, code: totpCode(secret, old.clock.now()) });
    await assert.rejects(logIn(auth, "alice", { password: "wrong", code: "000000" }), {
      code: "access_denied",
    });
    await auth.close();
  });

  it("takes what tctl of 4.2 printed", async () => {
    // Its JSON with sorted keys, the id of each resource, secrets beside their user, and all in one file.
    const rows = readStore42();
    const json = (key: string): Json => JSON.parse(rows.find((row) => row.key === key)!.text) as Json;
    const hash = Buffer.from(rows.find(({ key }) => key === "/web/users/alice/pwd")!.text).toString("base64");
    const user = json("/web/users/alice/params");
    const device = { raw: "BQS+", key_handle: "AAEC", pubkey: "MFkw" };
    const local_auth = {
      password_hash: hash,
      totp_key: "7QKUPN3UAM4TDOHH",
      u2f_registration: device,
      u2f_counter: 5,
    };
    const printed = [
      { ...user, spec: { ...(user["spec"] as Json), local_auth } },
      json("/authorities/host/store.test"),
      json("/authorities/host/leaf.test"),
      json("/authorities/user/store.test"),
      json("/web/connectors/github/connectors/github"),
      json("/roles/dev/params"),
    ].map((resource) => ({
      ...resource,
      metadata: { ...(resource["metadata"] as Json), id: 1795345353334450711n },
    }));
    await writeFile(
      file,
      printed.map((resource) => stringify(resource, { sortMapEntries: true })).join("\n---\n"),
    );
    const storage = createMemoryStorage(old.clock);
    const auth = await start(storage, { clusterName: "store.test" });
    for (const key of [
      ...["host/store.test", "host/leaf.test", "user/store.test"].map((name) => `/authorities/${name}`),
      ...["/web/users/alice/totp", "/web/users/alice/pwd", "/roles/dev/params"],
    ]) {
      const { value } = await storage.get(key);
      assert.equal(Buffer.from(value).toString(), rows.find((row) => row.key === key)!.text, key);
    }
    const [alice] = await auth.as("Admin").getUsers(true);
    assert.deepEqual(alice?.spec.local_auth, local_auth);
    assert.equal((await auth.as("Admin").getKeptResources("github")).length, 1);
    await auth.close();
  });

  it("keeps the cluster's id, single-use tokens as they are, and leaves out what has expired", async () => {
    const expires = (ms: number): string => new Date(old.clock.now().getTime() + ms).toISOString();
    const token = (name: string, spec: object, ms: number): unknown => ({
      ...{ kind: "token", version: "v2", metadata: { name, expires: expires(ms) } },
      spec: { roles: ["Node"], ...spec },
    });
    const lock = (name: string, ms: number): unknown => ({
      ...{ kind: "lock", version: "v2", metadata: { name } },
      spec: { target: { user: "mallory" }, expires: expires(ms) },
    });
    const config = await old.as("Admin").getClusterConfig();
    await save(
      ...[...authorities, config, token("reusable-token", {}, 60_000), token("expired-token", {}, -60_000)],
      ...[token("single-use", { single_use: true, host_id: "h1" }, 60_000)],
      ...[lock("running", 60_000), lock("over", -60_000)],
    );
    const storage = createMemoryStorage(old.clock);
    const auth = await start(storage);
    const admin = auth.as("Admin");
    assert.equal((await admin.getClusterConfig()).spec.cluster_id, config.spec.cluster_id);
    assert.deepEqual(
      (await admin.getLocks()).map(({ metadata }) => metadata.name),
      ["running"],
    );
    const tokens = (await admin.getTokens()).slice(1);
    assert.deepEqual(
      tokens.map(({ token, single_use, host_id }) => [token, single_use, host_id]),
      [
        ["reusable-token", undefined, undefined],
        ["single-use", true, "h1"],
      ],
    );
    await auth.close();
  });

  it("reads a file of hundreds of users, and names the place in it that is wrong", async () => {
    const [alice] = users as [User];
    const many = Array.from({ length: 500 }, (_, n): User => ({
      ...alice,
      metadata: { name: `user-${n}` },
    }));
    await save(...authorities, ...many);
    const auth = await start(createMemoryStorage(old.clock));
    assert.equal((await auth.as("Admin").getUsers(true)).length, many.length);
    await auth.close();
    const text = many.map((user) => stringify(user)).join("---\n");
    await writeFile(file, `${text}---\nkind: user\nmetadata: {nam: x}\nspec: {}\n`);
    const line = text.split("\n").length + 2;
    await assert.rejects(start(createMemoryStorage(old.clock)), {
      code: "config",
      message: new RegExp(`:${line}:11: key 'name' is missing`),
    });
  }).timeout(60_000);

  it("leaves a cluster that exists alone", async () => {
    const storage = createMemoryStorage(old.clock);
    await (await startAuth({}, { storage, clock: old.clock })).close();
    await save(...users, ...authorities);
    for (const clusterName of [SETTINGS.clusterName, "renamed.test"]) {
      const auth = await start(storage, { clusterName });
      assert.deepEqual(await auth.as("Admin").getUsers(false), []);
      await auth.close();
    }
  });

  it("is begun again where it was cut off", async () => {
    await save(...users, ...authorities);
    const storage = createMemoryStorage(old.clock);
    const put = storage.put.bind(storage);
    storage.put = (item) =>
      item.key.startsWith("/authorities/host/") ? Promise.reject(new Error("power cut")) : put(item);
    await assert.rejects(start(storage), { message: "power cut" });
    storage.put = put;
    const auth = await start(storage);
    await logIn(auth, "alice", {
      password: PASSWORD,
      code: totpCode(secret, old.clock.now()),
    });
    await auth.close();
  });

  const [host, user] = [1, 0];
  const refused: [string, () => unknown[], RegExp][] = [
    ["an empty file", () => [], /^no resources found: ".*backup\.yaml"$/],
    [
      "an unknown kind",
      () => [users[0], { kind: "node", metadata: { name: "x" } }],
      /:\d+:7: a resource of kind "node" cannot/,
    ],
    ["what is no resource", () => [["a"]], /:1:1: a resource must have a kind$/],
    [
      "a user whose role is missing",
      () => [{ ...users[0]!, spec: { ...users[0]!.spec, roles: ["gone"] } }],
      /:1:1: role gone is not found/,
    ],
    ["a user twice", () => [users[0], users[0]], /backup\.yaml:\d+:1: user is there twice$/],
    ["an authority twice", () => [authorities[host], authorities[host]], /backup\.yaml:\d+:1: /],
    ["an unknown field", () => [{ ...users[0]!, colour: "red" }], /:\d+:1: there is no field colour/],
    [
      "a role of a host",
      () => [{ ...developer, metadata: { name: "Proxy" } }],
      /:1:1: a role cannot be named Proxy: that is a system role/,
    ],
    [
      "a token that would make administrators",
      () => [{ kind: "token", metadata: { name: "0123456789" }, spec: { roles: ["Admin"] } }],
      /:1:1: role Admin is not registered/,
    ],
    [
      "a connector without content",
      () => [{ kind: "github", version: "v3", metadata: { name: "github" } }],
      /'spec' must not be empty|key 'spec' is missing/,
    ],
    [
      "several mistakes at once",
      () => [
        { kind: "user", metadata: {} },
        { kind: "lock", metadata: { name: "l" }, spec: { target: {} } },
      ],
      /:1:1: .*\n.*:2:11: .*\n.*:8:11: 'target' must name/,
    ],
    [
      "an authority without its private keys",
      () => [{ ...authorities[user]!, spec: { ...authorities[user]!.spec, signing_keys: undefined } }],
      /user\/example\.test lacks its private keys/,
    ],
    [
      "the signing authority of another cluster",
      () => [{ ...authorities[host]!, spec: { ...authorities[host]!.spec, cluster_name: "other.test" } }],
      /host\/other\.test signs for another cluster: set cluster_name to other\.test/,
    ],
    [
      "an authority with a damaged key",
      () => [{ ...authorities[host]!, spec: { ...authorities[host]!.spec, signing_keys: ["AAAA"] } }],
      /host\/example\.test has a key or certificate that cannot be read$/,
    ],
  ];
  for (const [what, resources, message] of refused) {
    it(`refuses ${what}, names its place, and writes nothing`, async () => {
      await save(...resources());
      const storage = createMemoryStorage(old.clock);
      await assert.rejects(start(storage), (error: Error & { code?: string }) => {
        assert.equal(error.code, what === "an empty file" ? "bad_parameter" : "config");
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(await keysOf(storage), []);
    });
  }

  it("refuses a file that is not YAML without quoting it, and one that is not there", async () => {
    await writeFile(file, "kind: user\nsecret: [hunter2\n");
    await assert.rejects(start(createMemoryStorage(old.clock)), (error: Error) => {
      assert.match(error.message, /backup\.yaml:\d+:\d+: flow sequence/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
    await assert.rejects(start(createMemoryStorage(old.clock), { bootstrapFile: "/nonexistent" }), {
      code: "bad_parameter",
      message: /cannot read the file of --bootstrap: no such file/,
    });
  });
});
