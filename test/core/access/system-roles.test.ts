import assert from "node:assert/strict";
import { VERBS } from "../../../core/access/rule.js";
import { systemAccess } from "../../../core/access/system-roles.js";
import { SYSTEM_ROLES, type SystemRole } from "../../../core/grammar/system-roles.js";

const options = { clusterName: "wire.test" };
const may = (role: SystemRole, verb: string, kind: string): boolean =>
  systemAccess(role, options).checkRule(verb, kind).allowed;

/** The whole table of wire.md §5.2, one letter per verb in the order of VERBS: l c R r u d o(rotate). */
const EXPECTED: Partial<Record<SystemRole, Record<string, string>>> = {
  Auth: { auth_server: "lcRrud" },
  Node: {
    node: "lcRrud",
    ssh_session: "lcRrud",
    event: "lcRrud",
    tunnel: "lcRrud",
    proxy: "lRr",
    user: "lRr",
    namespace: "lRr",
    role: "lRr",
    auth_server: "lRr",
    tunnel_connection: "lRr",
    cluster_config: "lRr",
    cert_authority: "lr",
  },
  Proxy: {
    proxy: "lcRrud",
    oidc_request: "lcRrud",
    ssh_session: "lcRrud",
    event: "lcRrud",
    saml_request: "lcRrud",
    github_request: "lcRrud",
    tunnel_connection: "lcRrud",
    oidc: "lr",
    saml: "lr",
    github: "lr",
    cert_authority: "lr",
    session: "lRr",
    namespace: "lRr",
    node: "lRr",
    auth_server: "lRr",
    tunnel: "lRr",
    user: "lRr",
    role: "lRr",
    cluster_auth_preference: "lRr",
    cluster_config: "lRr",
    cluster_name: "lRr",
    static_tokens: "lRr",
    remote_cluster: "lRr",
  },
  RemoteProxy: {
    node: "lRr",
    proxy: "lRr",
    namespace: "lRr",
    user: "lRr",
    role: "lRr",
    auth_server: "lRr",
    tunnel: "lRr",
    tunnel_connection: "lRr",
    cluster_config: "lRr",
    cert_authority: "lr",
  },
  Signup: { auth_server: "lRr", cluster_auth_preference: "lRr" },
  Web: {
    web_session: "lcRrud",
    ssh_session: "lcRrud",
    auth_server: "lRr",
    user: "lRr",
    role: "lRr",
    namespace: "lRr",
    trusted_cluster: "lRr",
  },
};
const LETTERS: Record<(typeof VERBS)[number], string> = {
  list: "l",
  create: "c",
  read: "R",
  readnosecrets: "r",
  update: "u",
  delete: "d",
  rotate: "o",
};
const KINDS = new Set([
  ...Object.values(EXPECTED).flatMap((kinds) => Object.keys(kinds)),
  "token",
  "host_cert",
  "key_pair",
  "access_request",
  "*",
]);

describe("system roles", () => {
  for (const role of SYSTEM_ROLES.filter((name) => name !== "Admin")) {
    it(`gives ${role} what the table says and nothing else`, () => {
      for (const kind of KINDS) {
        const granted = VERBS.filter((verb) => may(role, verb, kind)).map((verb) => LETTERS[verb]);
        assert.equal(granted.join(""), EXPECTED[role]?.[kind] ?? "", kind);
      }
    });
  }

  it("gives Admin everything", () => {
    for (const kind of KINDS) {
      assert.ok(
        VERBS.every((verb) => may("Admin", verb, kind)),
        kind,
      );
    }
  });

  it("lets a proxy sign host certificates only where sessions are recorded at the proxy", () => {
    assert.equal(may("Proxy", "create", "host_cert"), false);
    const recording = systemAccess("Proxy", { ...options, recordAtProxy: true });
    assert.equal(recording.checkRule("create", "host_cert").allowed, true);
    assert.equal(
      systemAccess("Node", { ...options, recordAtProxy: true }).checkRule("create", "host_cert").allowed,
      false,
    );
  });

  it("lets a proxy manage the host authorities of other clusters only", () => {
    const proxy = systemAccess("Proxy", options);
    const check = (type: "host" | "user", clusterName: string): boolean =>
      proxy.checkRule("update", "cert_authority", { type, clusterName }).allowed;
    assert.equal(check("host", "leaf.test"), true);
    assert.equal(check("host", "wire.test"), false);
    assert.equal(check("user", "leaf.test"), false);
    assert.equal(
      proxy.checkRule("delete", "cert_authority", { type: "host", clusterName: "leaf.test" }).allowed,
      false,
    );
  });

  it("lets a remote proxy rotate its own cluster's authority only", () => {
    const remote = systemAccess("RemoteProxy", { ...options, remoteCluster: "leaf.test" });
    assert.equal(
      remote.checkRule("rotate", "cert_authority", { type: "host", clusterName: "leaf.test" }).allowed,
      true,
    );
    assert.equal(
      remote.checkRule("rotate", "cert_authority", { type: "host", clusterName: "wire.test" }).allowed,
      false,
    );
    const nowhere = systemAccess("RemoteProxy", options);
    assert.equal(
      nowhere.checkRule("rotate", "cert_authority", { type: "host", clusterName: "leaf.test" }).allowed,
      false,
    );
  });
});
