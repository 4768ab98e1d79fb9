import assert from "node:assert/strict";
import { errorCode } from "../../../core/errors/error.js";
import type { AuthApi } from "../../../core/auth/client/api.js";
import * as sample from "./client/sample-resources.js";
import { startAuth, type AuthFixture } from "./auth-fixture.js";

const HOST = "22222222-2222-4222-8222-222222222222";
const OTHER = "33333333-3333-4333-8333-333333333333";
const SESSION = "44444444-4444-4444-8444-444444444444";

const server = (name: string) => ({
  kind: "node" as const,
  version: "v2",
  metadata: { name },
  spec: { addr: "10.0.0.5:3022", hostname: "node1" },
});
const session = (serverId: string) => ({
  id: SESSION,
  namespace: "default",
  parties: null,
  terminal_params: { w: 80, h: 25 },
  login: "root",
  created: "2026-11-22T12:00:00Z",
  last_active: "2026-11-22T12:00:00Z",
  server_id: serverId,
});
async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}
const firstEvent = async (api: AuthApi, kind: string): Promise<void> => {
  const stop = new AbortController();
  for await (const _event of api.watch([{ kind }], stop.signal)) {
    stop.abort();
  }
};

const CALLERS = ["nobody", "Node", "Proxy", "Auth", "Admin", "Web", "Nop", "user"] as const;
type CallerName = (typeof CALLERS)[number];

/** Each call, and who may make it. Whatever else goes wrong with it is no refusal. */
const CALLS: readonly [string, (api: AuthApi) => Promise<unknown>, readonly CallerName[]][] = [
  ["ping", (api) => api.ping(), CALLERS],
  ["getDomainName", (api) => api.getDomainName(), CALLERS],
  ["getClusterCaCert", (api) => api.getClusterCaCert(), CALLERS],
  [
    "getCertAuthorities",
    (api) => api.getCertAuthorities("host"),
    ["Node", "Proxy", "Auth", "Admin", "Web", "user"],
  ],
  ["getCertAuthorities with keys", (api) => api.getCertAuthorities("host", true), ["Admin"]],
  ["getCertAuthority with keys", (api) => api.getCertAuthority("host", "example.test", true), ["Admin"]],
  ["getClusterName", (api) => api.getClusterName(), ["Node", "Proxy", "Auth", "Admin", "Web", "user"]],
  ["getClusterConfig", (api) => api.getClusterConfig(), ["Node", "Proxy", "Admin"]],
  ["getAuthPreference", (api) => api.getAuthPreference(), ["Node", "Proxy", "Auth", "Admin", "Web", "user"]],
  ["setClusterConfig", (api) => api.setClusterConfig(sample.clusterConfig), ["Admin"]],
  ["setAuthPreference", (api) => api.setAuthPreference(sample.authPreference), ["Admin"]],
  ["getStaticTokens", (api) => api.getStaticTokens(), ["Proxy", "Admin"]],
  ["createCertAuthority", (api) => api.createCertAuthority(sample.authority), ["Admin"]],
  ["upsertCertAuthority", (api) => api.upsertCertAuthority(sample.authority), ["Admin"]],
  ["getKeptResources, connectors", (api) => api.getKeptResources("github"), ["Admin", "user"]],
  ["getKeptResources, with secrets", (api) => api.getKeptResources("oidc", true), ["Admin", "user"]],
  ["getKeptResources, trust", (api) => api.getKeptResources("trusted_cluster"), ["Admin", "Web", "user"]],
  ["getKeptResources, requests", (api) => api.getKeptResources("access_request"), ["Admin"]],
  ["getNamespaces", (api) => api.getNamespaces(), ["Node", "Proxy", "Admin", "Web"]],
  ["getUsers", (api) => api.getUsers(), ["Node", "Proxy", "Admin", "Web"]],
  ["getUsers with secrets", (api) => api.getUsers(true), ["Admin"]],
  ["getUser with secrets", (api) => api.getUser("alice", true), ["Admin"]],
  ["getUser, somebody else", (api) => api.getUser("bob"), ["Node", "Proxy", "Admin", "Web"]],
  ["getUser, oneself", (api) => api.getUser("alice"), ["Node", "Proxy", "Admin", "Web", "user"]],
  ["createUser", (api) => api.createUser(sample.user), ["Admin"]],
  ["deleteUser", (api) => api.deleteUser("alice"), ["Admin"]],
  ["getRoles", (api) => api.getRoles(), ["Node", "Proxy", "Admin", "Web", "user"]],
  ["createRole", (api) => api.createRole({ ...sample.role, metadata: { name: "" } }), ["Admin", "user"]],
  ["getLocks", (api) => api.getLocks(), ["Node", "Proxy", "Admin"]],
  ["createLock", (api) => api.createLock(sample.lock), ["Admin"]],
  ["upsertLock", (api) => api.upsertLock(sample.lock), ["Admin"]],
  ["deleteLock", (api) => api.deleteLock("absent"), ["Admin"]],
  ["deleteRole", (api) => api.deleteRole("absent"), ["Admin", "user"]],
  ["createSignupToken", (api) => api.createSignupToken({ name: "b", allowed_logins: [] }, 0), ["Admin"]],
  ["generateToken", (api) => api.generateToken({ roles: ["Node"], ttl: 0, token: "" }), ["Admin"]],
  ["createToken", (api) => api.createToken(sample.token), ["Admin"]],
  ["upsertToken", (api) => api.upsertToken(sample.token), ["Admin"]],
  ["getToken", (api) => api.getToken("absent"), ["Admin"]],
  ["getTokens", (api) => api.getTokens(), ["Admin"]],
  ["deleteToken", (api) => api.deleteToken("absent"), ["Admin"]],
  [
    "generateHostCert",
    (api) =>
      api.generateHostCert({
        key: "",
        hostname: "h",
        node_name: "",
        principals: [],
        auth_domain: "",
        roles: ["Node"],
        ttl: 0,
      }),
    ["Admin"],
  ],
  ["upsertNode, itself", (api) => api.upsertNode(server(HOST)), ["Node", "Admin"]],
  ["upsertNode, another", (api) => api.upsertNode(server(OTHER)), ["Admin"]],
  [
    "keepAliveNode, itself",
    (api) => api.keepAliveNode(one({ serverName: HOST, namespace: "default", leaseId: 0 })),
    ["Node"],
  ],
  [
    "keepAliveNode, another",
    (api) => api.keepAliveNode(one({ serverName: OTHER, namespace: "default", leaseId: 0 })),
    [],
  ],
  ["getNodes", (api) => api.getNodes("default"), ["Proxy", "Admin", "user"]],
  ["deleteNode, another", (api) => api.deleteNode("default", OTHER), ["Admin"]],
  ["upsertProxy, itself", (api) => api.upsertProxy(server(HOST)), ["Proxy", "Admin"]],
  ["upsertProxy, another", (api) => api.upsertProxy(server(OTHER)), ["Admin"]],
  ["getProxies", (api) => api.getProxies(), ["Node", "Proxy", "Admin"]],
  ["getAuthServers", (api) => api.getAuthServers(), ["Node", "Proxy", "Auth", "Admin", "Web", "user"]],
  ["createSession, its own", (api) => api.createSession(session(HOST)), ["Node", "Proxy", "Admin", "Web"]],
  ["createSession, another's", (api) => api.createSession(session(OTHER)), ["Admin"]],
  ["getSessions", (api) => api.getSessions("default"), ["Node", "Proxy", "Auth", "Admin", "Web", "user"]],
  [
    "emitAuditEvent",
    (api) => api.emitAuditEvent({ event: "exec", code: "T3002I" }),
    ["Node", "Proxy", "Admin"],
  ],
  [
    "emitAuditEvent for another host",
    (api) => api.emitAuditEvent({ event: "exec", code: "T3002I", server_id: OTHER }),
    [],
  ],
  ["getStorageStatus", (api) => api.getStorageStatus(), ["Admin"]],
  ["startStorageMove", (api) => api.startStorageMove({ name: "teleport.yaml", text: "" }), ["Admin"]],
  ["abortStorageMove", (api) => api.abortStorageMove(), ["Admin"]],
  ["verifyStorage", (api) => api.verifyStorage(), ["Admin"]],
  ["getStorageVerification", (api) => api.getStorageVerification("id"), ["Admin"]],
  ["benchStorage", (api) => api.benchStorage({ duration_ms: 0, in_flight: 0, value_bytes: 0 }), ["Admin"]],
  ["getSessionEvents", (api) => api.getSessionEvents(SESSION), ["Proxy", "Admin", "user"]],
  ["getSessionEventPage", (api) => api.getSessionEventPage(SESSION), ["Proxy", "Admin", "user"]],
  [
    "getSessionTimeline",
    (api) => api.getSessionTimeline(SESSION, { index: 0 }, 1),
    ["Proxy", "Admin", "user"],
  ],
  ["getSessionScreen", (api) => api.getSessionScreen(SESSION, 0), ["Proxy", "Admin", "user"]],
  ["getSessionChunk", (api) => api.getSessionChunk(SESSION, 0, 10), ["Proxy", "Admin", "user"]],
  [
    "searchEvents",
    (api) => api.searchEvents({ from: new Date(0), to: new Date() }),
    ["Node", "Proxy", "Admin", "user"],
  ],
  [
    "watch cert_authority",
    (api) => firstEvent(api, "cert_authority"),
    ["Node", "Proxy", "Auth", "Admin", "Web", "user"],
  ],
  ["watch cluster_config", (api) => firstEvent(api, "cluster_config"), ["Node", "Proxy", "Admin"]],
  ["watch user", (api) => firstEvent(api, "user"), ["Node", "Proxy", "Admin", "Web"]],
  ["watch proxy", (api) => firstEvent(api, "proxy"), ["Node", "Proxy", "Admin"]],
];

describe("permissions", () => {
  let auth: AuthFixture;

  beforeEach(async () => {
    auth = await startAuth();
  });
  afterEach(() => auth.close());

  const as = (name: CallerName): AuthApi => {
    if (name === "nobody") {
      return auth.asNobody();
    }
    return name === "user" ? auth.asUser("alice") : auth.as(name, HOST);
  };

  for (const [name, call, allowed] of CALLS) {
    it(`${name}: ${allowed.length === CALLERS.length ? "anybody" : allowed.join(", ") || "no one"}`, async () => {
      const permitted: CallerName[] = [];
      for (const caller of CALLERS) {
        // A `yield` may throw before there is a promise.
        const code = await (async () => call(as(caller)))().then(() => "ok", errorCode);
        if (code !== "access_denied") {
          permitted.push(caller);
        }
      }
      assert.deepEqual(permitted, [...allowed]);
    });
  }

  it("of a user follow the roles of the certificate as they are now", async () => {
    const admin = auth.as("Admin");
    const role = {
      kind: "role" as const,
      version: "v3",
      metadata: { name: "tokens" },
      spec: {
        options: {},
        allow: { logins: ["root"], rules: [{ resources: ["token"], verbs: ["list", "read"] }] },
        deny: {},
      },
    };
    await admin.upsertRole(role);
    const user = auth.asUser("alice", { roles: ["tokens"] });
    await user.getTokens();
    await admin.upsertRole({
      ...role,
      spec: { ...role.spec, deny: { rules: [{ resources: ["token"], verbs: ["*"] }] } },
    });
    await assert.rejects(user.getTokens(), { code: "access_denied" });
    await admin.deleteRole("tokens");
    await assert.rejects(user.getTokens(), { code: "access_denied" });
  });

  it("hide the nodes that a user may not enter", async () => {
    const labelled = (name: string, env: string) => ({
      ...server(name),
      metadata: { name, labels: { env } },
    });
    await auth.as("Admin").upsertNode(labelled(HOST, "prod"));
    await auth.as("Admin").upsertNode(labelled(OTHER, "dev"));
    await auth.as("Admin").upsertRole({
      kind: "role",
      version: "v3",
      metadata: { name: "developer" },
      spec: { options: {}, allow: { logins: ["root"], node_labels: { env: "dev" } }, deny: {} },
    });
    const names = async (api: AuthApi) =>
      (await api.getNodes("default")).map(({ metadata }) => metadata.name);
    assert.deepEqual(await names(auth.asUser("alice", { roles: ["developer"] })), [OTHER]);
    assert.deepEqual(await names(auth.asUser("alice")), [HOST, OTHER]);
  });

  it("give private keys to nobody but the auth server itself", async () => {
    const withKeys = await auth.as("Admin").getCertAuthority("host", "example.test", true);
    assert.ok(withKeys.spec.signing_keys);
    for (const api of [auth.as("Node"), auth.as("Proxy"), auth.asUser("alice"), auth.as("Admin")]) {
      const { spec } = await api.getCertAuthority("host", "example.test");
      assert.equal(spec.signing_keys, undefined);
      assert.deepEqual(Object.keys(spec.tls_key_pairs?.[0] ?? {}), ["cert"]);
    }
  });
});
