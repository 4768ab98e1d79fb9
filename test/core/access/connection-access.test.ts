import assert from "node:assert/strict";
import { authorizeConnection, requireUnlocked } from "../../../core/access/connection-access.js";
import type { Lock, LockTarget } from "../../../core/resources/lock.js";
import { certificate, node, NOW, request, source, user } from "./sample-connections.js";
import { role } from "./sample-roles.js";

const dev = role("dev", { allow: { logins: ["{{internal.logins}}"], node_labels: { env: "dev" } } });
const ops = role("ops", { allow: { logins: ["root"] } });
const alice = user("alice", ["dev", "ops"], { logins: ["alice", "deploy"] });
const hers = certificate("alice", ["dev", "ops"], { logins: ["alice", "deploy"] });
const here = node({ env: "dev" });

const lock = (target: LockTarget, message = "stolen laptop"): Lock => ({
  kind: "lock",
  version: "v2",
  metadata: { name: "l" },
  spec: { target, message },
});
const denied = (message: RegExp) => ({ code: "access_denied", message });

describe("connection access", () => {
  it("lets in whom one role allows", () => {
    const known = source({ users: [alice], roles: [dev, ops] });
    const identity = authorizeConnection(
      request({ certificate: hers, login: "alice", source: known, server: here }),
    );
    assert.equal(identity.user, "alice");
    assert.deepEqual(identity.access.roleNames, ["dev", "ops"]);
    assert.throws(
      () => authorizeConnection(request({ certificate: hers, login: "alice", source: known })),
      denied(/^access to server denied: no role allows the login "alice"/),
    );
  });

  it("keeps to the only login of a node that does not run as root", () => {
    const parts = { certificate: hers, source: source({ users: [alice], roles: [dev, ops] }), server: here };
    assert.doesNotThrow(() => authorizeConnection(request({ ...parts, login: "alice", onlyLogin: "alice" })));
    assert.throws(
      () => authorizeConnection(request({ ...parts, login: "root", onlyLogin: "alice" })),
      denied(/does not run as root/),
    );
  });

  describe("of a certificate whose user has less by now", () => {
    const open = (now: ReturnType<typeof user>, login: string): unknown =>
      authorizeConnection(
        request({
          certificate: hers,
          login,
          server: here,
          source: source({ users: [now], roles: [dev, ops] }),
        }),
      );

    it("does not count the roles that were taken away", () => {
      assert.doesNotThrow(() => open(alice, "root"));
      assert.throws(
        () => open(user("alice", ["dev"], { logins: ["alice"] }), "root"),
        denied(/no role allows/),
      );
    });

    it("does not count the trait values that were taken away", () => {
      assert.doesNotThrow(() => open(alice, "deploy"));
      assert.throws(() => open(user("alice", ["dev"], { logins: ["alice"] }), "deploy"), denied(/no role/));
      assert.throws(() => open(user("alice", ["dev"], { logins: null }), "alice"), denied(/no role/));
      assert.throws(() => open(user("alice", ["dev"]), "alice"), denied(/no role/));
    });

    it("counts nothing that the certificate does not say", () => {
      const more = user("alice", ["dev", "ops"], { logins: ["alice", "root"] });
      const parts = { server: here, source: source({ users: [more], roles: [dev, ops] }), login: "root" };
      assert.throws(
        () => authorizeConnection(request({ ...parts, certificate: certificate("alice", ["dev"]) })),
        denied(/no role allows/),
      );
    });

    it("passes over a lost role that does not exist any more", () => {
      const known = source({ users: [user("alice", ["dev"], { logins: ["alice"] })], roles: [dev] });
      assert.doesNotThrow(() =>
        authorizeConnection(request({ certificate: hers, login: "alice", server: here, source: known })),
      );
    });

    it("takes the certificate's word where the user is not known", () => {
      const known = source({ roles: [dev, ops] });
      assert.doesNotThrow(() =>
        authorizeConnection(request({ certificate: hers, login: "deploy", server: here, source: known })),
      );
    });
  });

  describe("under locks", () => {
    const open = (target: LockTarget): unknown =>
      authorizeConnection(
        request({
          ...{ certificate: hers, login: "alice", server: here },
          source: source({ users: [alice], roles: [dev, ops], locks: [lock(target)] }),
        }),
      );

    it("refuses with the lock's text, before it looks at roles", () => {
      assert.throws(
        () => open({ user: "alice" }),
        denied(/^lock targeting User:"alice" is in force: stolen laptop$/),
      );
      for (const target of [{ role: "ops" }, { login: "alice" }, { node: "db1" }, { node: here.id }]) {
        assert.throws(() => open(target), denied(/^lock targeting/), JSON.stringify(target));
      }
    });

    it("lets in whom they do not fit", () => {
      for (const target of [
        { user: "bob" },
        { login: "root" },
        { user: "alice", node: "db2" },
        { session: "s" },
      ]) {
        assert.doesNotThrow(() => open(target), JSON.stringify(target));
      }
    });

    it("refuses one session", () => {
      const known = source({ users: [alice], roles: [dev, ops], locks: [lock({ session: "s1" })] });
      const place = { login: "alice", server: here, source: known, now: NOW };
      const identity = authorizeConnection(request({ ...place, certificate: hers }));
      assert.doesNotThrow(() => requireUnlocked(identity, { ...place, session: "s2" }));
      assert.throws(() => requireUnlocked(identity, { ...place, session: "s1" }), denied(/Session:"s1"/));
    });
  });

  describe("while the cluster cannot be reached", () => {
    const minutesAgo = (minutes: number): Date => new Date(NOW.getTime() - minutes * 60_000);
    const open = (
      staleSince: Date,
      mode: "best_effort" | "strict" | undefined,
      cluster?: "best_effort" | "strict",
    ): unknown => {
      const only = role("dev", { allow: dev.spec.allow, options: mode === undefined ? {} : { lock: mode } });
      return authorizeConnection(
        request({
          ...{
            certificate: certificate("alice", ["dev"], { logins: ["alice"] }),
            login: "alice",
            server: here,
          },
          source: source({
            roles: [only],
            staleSince,
            ...(cluster === undefined ? {} : { lockingMode: cluster }),
          }),
        }),
      );
    };

    it("serves as best it can unless told to be strict", () => {
      assert.doesNotThrow(() => open(minutesAgo(600), undefined));
      assert.doesNotThrow(() => open(minutesAgo(600), "best_effort", "strict"));
    });

    it("refuses after five minutes in strict mode, of the role or of the cluster", () => {
      assert.doesNotThrow(() => open(minutesAgo(5), "strict"));
      assert.throws(() => open(minutesAgo(5.1), "strict"), denied(/locking mode is strict/));
      assert.throws(() => open(minutesAgo(5.1), "strict", "best_effort"), denied(/locking mode is strict/));
      assert.throws(() => open(minutesAgo(5.1), undefined, "strict"), denied(/locking mode is strict/));
    });
  });
});
