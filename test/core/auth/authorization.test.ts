import assert from "node:assert/strict";
import type { AuthApi } from "../../../core/auth/client/api.js";
import type { Rule } from "../../../core/resources/role.js";
import { role } from "../access/sample-roles.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";

const ALL = ["list", "read", "create", "update", "delete"];
const denied = { code: "access_denied" };

describe("rules with conditions", () => {
  let auth: AuthFixture;
  beforeEach(async () => {
    auth = await startAuth();
    for (const name of ["web-1", "web-2", "db-1"]) {
      const labels = { team: name.startsWith("web") ? "web" : "db" };
      const one = role(name);
      await auth.as("Admin").upsertRole({ ...one, metadata: { ...one.metadata, labels } });
    }
  });
  afterEach(() => auth.close());

  const team = (name: string) => ({ ...role(name), metadata: { name, labels: { team: "web" } } });
  /** The API of a user whose only role has these rules. */
  const withRules = async (rules: Rule[], deny: Rule[] = []): Promise<AuthApi> => {
    await auth.as("Admin").upsertRole(role("mine", { allow: { rules }, deny: { rules: deny } }));
    return auth.asUser("alice", { roles: ["mine"], traits: { teams: ["web"] } });
  };
  const ofTeam = `contains(user.spec.traits["teams"], resource.metadata.labels["team"])`;
  const names = (roles: { metadata: { name: string } }[]): string[] =>
    roles.map(({ metadata }) => metadata.name);

  it("show of a list what they allow", async () => {
    const api = await withRules([{ resources: ["role"], verbs: ALL, where: ofTeam }]);
    assert.deepEqual(names(await api.getRoles()), ["web-1", "web-2"]);
    assert.equal((await api.getRole("web-1")).metadata.name, "web-1");
    await assert.rejects(api.getRole("db-1"), denied);
    await assert.rejects(api.getRole("nowhere"), denied, "what is not there looks like what is not allowed");
  });

  it("hide of a list what they deny", async () => {
    const api = await withRules(
      [{ resources: ["role"], verbs: ALL }],
      [{ resources: ["role"], verbs: ["list"], where: ofTeam }],
    );
    const shown = names(await api.getRoles());
    assert.ok(shown.includes("db-1") && !shown.includes("web-1"), shown.join());
  });

  it("refuse a list in which they leave nothing", async () => {
    const api = await withRules([
      { resources: ["role"], verbs: ALL, where: `equals(resource.metadata.name, "x")` },
    ]);
    await assert.rejects(api.getRoles(), denied);
  });

  it("decide about what is there and what it is to become", async () => {
    const api = await withRules([{ resources: ["role"], verbs: ALL, where: ofTeam }]);
    await api.upsertRole(team("web-1"));
    await api.createRole(team("web-3"));
    await assert.rejects(api.upsertRole(role("web-1")), denied, "given away");
    await assert.rejects(api.upsertRole(team("db-1")), denied, "taken over");
    await assert.rejects(api.createRole(role("db-2")), denied);
    await assert.rejects(api.deleteRole("db-1"), denied);
    await api.deleteRole("web-3");
  });

  it("decide about join tokens by their name and roles", async () => {
    const expires = "2026-11-22T13:00:00Z";
    const node = { roles: ["Node" as const], expires, token: "node-token" };
    const proxy = { roles: ["Proxy" as const], expires, token: "proxy-token" };
    await auth.as("Admin").createToken(proxy);
    const api = await withRules([
      { resources: ["token"], verbs: ALL, where: `contains(resource.spec.roles, "Node")` },
    ]);
    await api.createToken(node);
    const generated = await api.generateToken({ roles: ["Node"], ttl: 0, token: "" });
    const tokens = (await api.getTokens()).map(({ token }) => token);
    assert.deepEqual(tokens.sort(), ["node-token", "static-node-token", generated].sort());
    assert.equal((await api.getToken("node-token")).token, "node-token");
    for (const call of [
      api.createToken({ ...proxy, token: "another-token" }),
      api.generateToken({ roles: ["Proxy"], ttl: 0, token: "" }),
      api.generateToken({ roles: ["Node"], ttl: 0, token: "proxy-token" }),
      api.upsertToken({ ...node, token: "proxy-token" }),
      api.upsertToken({ ...proxy, token: "node-token" }),
      api.getToken("proxy-token"),
      api.deleteToken("proxy-token"),
    ]) {
      await assert.rejects(call, denied);
    }
    await api.deleteToken("node-token");
  });

  it("decide about locks by their target", async () => {
    const lock = (name: string, user: string) => ({
      kind: "lock" as const,
      version: "v2",
      metadata: { name },
      spec: { target: { user } },
    });
    await auth.as("Admin").createLock(lock("of-bob", "bob"));
    const api = await withRules([
      { resources: ["lock"], verbs: ALL, where: `equals(resource.spec.target.user, "carol")` },
    ]);
    await api.createLock(lock("of-carol", "carol"));
    await api.upsertLock(lock("of-carol", "carol"));
    assert.deepEqual(
      (await api.getLocks()).map(({ metadata }) => metadata.name),
      ["of-carol"],
    );
    await assert.rejects(api.createLock(lock("another", "bob")), denied);
    await assert.rejects(api.upsertLock(lock("of-bob", "carol")), denied, "taken over");
    await assert.rejects(api.deleteLock("of-bob"), denied);
    await assert.rejects(
      api.createLock({ ...lock("of-node", ""), spec: { target: { node: "n1" } } }),
      denied,
      "a condition that cannot be answered allows never",
    );
    await api.deleteLock("of-carol");
  });

  it("decide about nodes and proxies by their labels", async () => {
    for (const [i, team] of ["web", "db"].entries()) {
      const id = `${String(i).repeat(8)}-1111-4111-8111-111111111111`;
      const metadata = { name: id, labels: { team }, expires: "2026-11-22T13:00:00Z" };
      const spec = { addr: "10.0.0.5:3022", hostname: team };
      await auth.as("Node", id).upsertNode({ kind: "node", version: "v2", metadata, spec });
      await auth.as("Proxy", id).upsertProxy({ kind: "proxy", version: "v2", metadata, spec });
    }
    const where = `equals(resource.metadata.labels["team"], "web")`;
    await auth.as("Admin").upsertRole(
      role("mine", {
        allow: {
          node_labels: { "*": "*" },
          logins: ["root"],
          rules: [{ resources: ["proxy"], verbs: ALL, where }],
        },
        deny: { rules: [{ resources: ["node"], verbs: ["list"], where }] },
      }),
    );
    const api = auth.asUser("alice", { roles: ["mine"] });
    const hostnames = (servers: { spec: { hostname: string } }[]) => servers.map(({ spec }) => spec.hostname);
    assert.deepEqual(hostnames(await api.getNodes("default")), ["db"]);
    assert.deepEqual(hostnames(await api.getProxies()), ["web"]);
    await assert.rejects(api.deleteProxy("11111111-1111-4111-8111-111111111111"), denied);
    await assert.rejects(
      api.deleteNode("default", "00000000-1111-4111-8111-111111111111"),
      denied,
      "no rule",
    );
    await api.deleteProxy("00000000-1111-4111-8111-111111111111");
    assert.deepEqual(hostnames(await auth.as("Admin").getProxies()), ["db"]);
  });

  it("decide about authorities by their type", async () => {
    const rules = (verbs: string[]): Rule[] => [
      { resources: ["cert_authority"], verbs, where: `equals(system.catype(), "host")` },
    ];
    const api = await withRules(rules(["list", "read"]));
    assert.equal((await api.getCertAuthorities("host", true)).length, 1);
    assert.equal((await api.getCertAuthority("host", "example.test", true)).spec.type, "host");
    await assert.rejects(api.getCertAuthorities("user", true), denied);
    await assert.rejects(api.getCertAuthority("user", "example.test", true), denied);
    const barred = await withRules([], rules(["readnosecrets"]));
    await assert.rejects(barred.getCertAuthority("host", "example.test"), denied);
    assert.equal((await barred.getCertAuthority("user", "example.test")).spec.type, "user");
  });

  it("decide about settings by what they are and become", async () => {
    const api = await withRules([
      { resources: ["cluster_config"], verbs: ALL, where: `equals(resource.spec.session_recording, "node")` },
      {
        resources: ["cluster_auth_preference"],
        verbs: ALL,
        where: `equals(resource.spec.second_factor, "otp")`,
      },
    ]);
    const config = await api.getClusterConfig();
    await api.setClusterConfig(config);
    const off = { ...config, spec: { ...config.spec, session_recording: "off" as const } };
    await assert.rejects(api.setClusterConfig(off), denied);
    const preference = await api.getAuthPreference();
    await api.setAuthPreference(preference);
    const weaker = { ...preference, spec: { ...preference.spec, second_factor: "off" as const } };
    await assert.rejects(api.setAuthPreference(weaker), denied);
    await auth.as("Admin").setClusterConfig(off);
    await assert.rejects(api.getClusterConfig(), denied);
  });
});
