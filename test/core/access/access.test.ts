import assert from "node:assert/strict";
import { createAccess, type Access } from "../../../core/access/access.js";
import type { ServerFacts } from "../../../core/access/server-decision.js";
import { hasCode } from "../../../core/errors/error.js";
import type { RoleConditions, RoleOptions } from "../../../core/resources/role.js";
import { adminRole, role } from "./sample-roles.js";

const server = (labels: Record<string, string> = {}, namespace = "default"): ServerFacts => ({
  namespace,
  labels,
});
const withOptions = (...options: RoleOptions[]): Access =>
  createAccess(
    options.map((one, index) => role(`r${index}`, { options: one, allow: { logins: [`login${index}`] } })),
    {},
  );
const withConditions = (allow: RoleConditions, deny: RoleConditions = {}): Access =>
  createAccess([role("r", { allow, deny })], {});

describe("access", () => {
  describe("logins", () => {
    it("come from the traits of the user, in order", () => {
      const access = createAccess([adminRole], { logins: ["ubuntu", "root", "ubuntu"] });
      assert.deepEqual(access.logins(), ["ubuntu", "root"]);
      assert.deepEqual(access.roleNames, ["admin"]);
    });

    it("are the union over roles, less what any role denies", () => {
      const access = createAccess(
        [
          role("a", { allow: { logins: ["root", "dev"] } }),
          role("b", { allow: { logins: ["ops"] }, deny: { logins: ["root"] } }),
        ],
        {},
      );
      assert.deepEqual(access.logins(), ["dev", "ops"]);
    });

    it("are none without roles, and none for the wildcard", () => {
      assert.deepEqual(createAccess([], { logins: ["root"] }).logins(), []);
      assert.deepEqual(withConditions({ logins: ["*"] }).logins(), []);
    });

    it("are all denied by a denied wildcard and by a deny template that cannot be read", () => {
      assert.deepEqual(withConditions({ logins: ["root"] }, { logins: ["*"] }).logins(), []);
      assert.deepEqual(withConditions({ logins: ["root"] }, { logins: ["{{what}}"] }).logins(), []);
    });

    it("cannot be changed through what was returned", () => {
      const access = withConditions({ logins: ["dev"] });
      access.logins().push("root");
      assert.deepEqual(access.logins(), ["dev"]);
    });
  });

  describe("servers", () => {
    it("reaches every server by default labels, with granted logins only", () => {
      const access = withConditions({ logins: ["root"] });
      assert.deepEqual(access.checkServer(server(), "root"), { allowed: true, role: "r" });
      assert.equal(access.checkServer(server(), "admin").allowed, false);
      assert.equal(access.checkServer(server({}, "other"), "root").allowed, false);
      assert.equal(access.checkServer(server(), "*").allowed, false);
    });

    it("does not combine a login of one role with the labels of another", () => {
      const access = createAccess(
        [
          role("a", { allow: { logins: ["root"], node_labels: { env: "dev" } } }),
          role("b", { allow: { logins: ["guest"], node_labels: { env: "prod" } } }),
        ],
        {},
      );
      assert.equal(access.checkServer(server({ env: "dev" }), "root").allowed, true);
      assert.equal(access.checkServer(server({ env: "prod" }), "root").allowed, false);
    });

    it("denies by labels, or by login, before anything is allowed", () => {
      const roles = [
        adminRole,
        role("no-prod", { deny: { node_labels: { env: "prod" }, logins: ["root"] } }),
      ];
      const access = createAccess(roles, { logins: ["root", "dev"] });
      assert.equal(access.checkServer(server({ env: "prod" }), "dev").allowed, false);
      assert.equal(access.checkServer(server({ env: "dev" }), "root").allowed, false);
      assert.equal(access.checkServer(server({ env: "dev" }), "dev").allowed, true);
    });

    it("tells the user less than the log", () => {
      const access = createAccess([role("secret-role", { deny: { logins: ["root"] } })], {});
      const decision = access.checkServer(server(), "root");
      assert.ok(!decision.allowed);
      assert.equal(decision.publicText, "access to server denied");
      assert.match(decision.reason, /secret-role/);
    });

    it("shows the servers for which some login remains", () => {
      const access = createAccess(
        [
          role("a", { allow: { logins: ["root"], node_labels: { env: "dev" } } }),
          role("b", {
            allow: { logins: ["guest"], node_labels: { env: "prod" } },
            deny: { logins: ["guest"] },
          }),
        ],
        {},
      );
      assert.equal(access.canSeeServer(server({ env: "dev" })), true);
      assert.equal(access.canSeeServer(server({ env: "prod" })), false);
      assert.equal(createAccess([], {}).canSeeServer(server({ env: "dev" })), false);
    });

    it("looks at a thousand roles, each with a login of its own, in a moment", () => {
      const many = Array.from({ length: 1_000 }, (_, index) =>
        role(`r${index}`, { allow: { logins: [`l${index}`], node_labels: { team: `t${index}` } } }),
      );
      const access = createAccess(many, {});
      const start = process.hrtime.bigint();
      for (let i = 0; i < 100; i++) assert.equal(access.canSeeServer(server({ team: "none" })), false);
      assert.ok(process.hrtime.bigint() - start < 1_000_000_000n, "a look took more than 10 ms");
      assert.equal(access.canSeeServer(server({ team: "t999" })), true);
    });

    it("respects the namespaces of a role", () => {
      assert.equal(
        withConditions({ logins: ["root"], namespaces: ["*"] }).checkServer(server({}, "x"), "root").allowed,
        true,
      );
      const denied = withConditions({ logins: ["root"] }, { logins: ["root"], namespaces: ["x"] });
      assert.equal(denied.checkServer(server(), "root").allowed, true);
    });
  });

  describe("rules", () => {
    it("gives admin what 4.2 gave it, and everyone the implicit role", () => {
      const access = createAccess([adminRole], {});
      assert.deepEqual(access.checkRule("delete", "role"), { allowed: true, role: "admin" });
      assert.equal(access.checkRule("read", "event").allowed, true);
      assert.equal(access.checkRule("create", "event").allowed, false);
      assert.deepEqual(access.checkRule("list", "node"), { allowed: true, role: "default-implicit-role" });
      assert.equal(access.checkRule("readnosecrets", "cert_authority").allowed, true);
      assert.equal(access.checkRule("read", "cert_authority").allowed, false);
      assert.equal(access.checkRule("list", "user").allowed, false);
    });

    it("lets deny win over any role, whatever the order", () => {
      const no = role("no", { deny: { rules: [{ resources: ["*"], verbs: ["delete"] }] } });
      for (const roles of [
        [adminRole, no],
        [no, adminRole],
      ]) {
        const decision = createAccess(roles, {}).checkRule("delete", "role");
        assert.ok(!decision.allowed);
        assert.equal(decision.publicText, "access denied to perform action 'delete' on role");
      }
    });

    it("says so where nothing allows, in 4.2's words", () => {
      const decision = createAccess([], {}).checkRule("list", "user");
      assert.ok(!decision.allowed);
      assert.equal(decision.publicText, 'access denied to perform action "list" on "user"');
    });

    it("never allows by a rule with a condition, and always denies by one", () => {
      const conditional = { resources: ["user"], verbs: ["*"], where: "equals(1, 1)" };
      assert.equal(withConditions({ rules: [conditional] }).checkRule("list", "user").allowed, false);
      const plain = { resources: ["user"], verbs: ["list"] };
      assert.equal(withConditions({ rules: [plain] }).checkRule("list", "user").allowed, true);
      assert.equal(
        withConditions({ rules: [plain] }, { rules: [conditional] }).checkRule("list", "user").allowed,
        false,
      );
    });
  });

  describe("options", () => {
    it("cuts a certificate's life to the shortest of all roles", () => {
      const hour = 3_600_000;
      assert.equal(
        withOptions({ max_session_ttl: "8h" }, { max_session_ttl: "2h" }).capTtlMs(5 * hour),
        2 * hour,
      );
      assert.equal(withOptions({ max_session_ttl: "8h" }).capTtlMs(5 * hour), 5 * hour);
      assert.equal(withOptions({}).capTtlMs(500 * hour), 30 * hour);
      assert.equal(createAccess([], {}).capTtlMs(500 * hour), 30 * hour);
    });

    it("refuses roles whose durations cannot be read", () => {
      for (const options of [{ max_session_ttl: "soon" }, { client_idle_timeout: "-5m" }]) {
        assert.throws(
          () => withOptions(options),
          (error) => hasCode(error, "corrupt") && /role "r0"/.test(String(error)),
        );
      }
    });

    it("allows agent forwarding where one role allows it, and that one grants the login", () => {
      const access = withOptions({ forward_agent: true }, {});
      assert.equal(access.forwardAgent(), true);
      assert.equal(access.forwardAgent("login0"), true);
      assert.equal(access.forwardAgent("login1"), false);
      assert.equal(withOptions({}).forwardAgent(), false);
    });

    it("forwards ports unless every role forbids it", () => {
      assert.equal(withOptions({}).portForwarding(), true);
      assert.equal(withOptions({ port_forwarding: false }).portForwarding(), false);
      assert.equal(withOptions({ port_forwarding: false }, {}).portForwarding(), true);
      assert.equal(createAccess([], {}).portForwarding(), false);
    });

    it("takes the old certificate format where any role asks for it", () => {
      assert.equal(
        withOptions({ cert_format: "standard" }, { cert_format: "oldssh" }).certFormat(),
        "oldssh",
      );
      assert.equal(withOptions({}).certFormat(), "standard");
    });

    it("takes the smallest idle time-out that is set", () => {
      const access = withOptions({ client_idle_timeout: "10m" }, { client_idle_timeout: "0s" }, {});
      assert.equal(access.clientIdleTimeoutMs(0), 600_000);
      assert.equal(access.clientIdleTimeoutMs(60_000), 60_000);
      assert.equal(withOptions({}).clientIdleTimeoutMs(0), 0);
    });

    it("takes the lowest limits of connections and sessions that are set", () => {
      const access = withOptions({ max_connections: 3, max_sessions: 0 }, { max_connections: 2 }, {});
      assert.equal(access.maxConnections(), 2);
      assert.equal(access.maxSessions(), 0);
      assert.equal(withOptions({ max_sessions: 10 }, { max_sessions: 4 }).maxSessions(), 4);
      assert.equal(createAccess([], {}).maxConnections(), 0);
    });

    it("allows X11 forwarding where one role allows it, and that one grants the login", () => {
      const access = withOptions({ permit_x11_forwarding: true }, {});
      assert.equal(access.x11Forwarding("login0"), true);
      assert.equal(access.x11Forwarding("login1"), false);
      assert.equal(withOptions({}).x11Forwarding("login0"), false);
    });

    it("takes the strictest locking mode of the roles, and the cluster's where they have none", () => {
      assert.equal(
        withOptions({ lock: "best_effort" }, { lock: "strict" }).lockingMode("best_effort"),
        "strict",
      );
      assert.equal(withOptions({ lock: "best_effort" }, {}).lockingMode("strict"), "best_effort");
      assert.equal(withOptions({}).lockingMode("strict"), "strict");
      assert.equal(withOptions({}).lockingMode("best_effort"), "best_effort");
    });

    it("disconnects at expiry where the cluster or a role says so", () => {
      assert.equal(withOptions({}).disconnectExpiredCert(false), false);
      assert.equal(withOptions({}).disconnectExpiredCert(true), true);
      assert.equal(withOptions({ disconnect_expired_cert: true }, {}).disconnectExpiredCert(false), true);
    });
  });
});
