import assert from "node:assert/strict";
import { findLock, type LockSubject, lockText } from "../../../core/access/locks.js";
import type { Lock, LockTarget } from "../../../core/resources/lock.js";

const now = new Date("2026-06-01T12:00:00Z");
const subject: LockSubject = {
  user: "alice",
  roles: ["dev", "ops"],
  logins: ["root"],
  nodes: ["11111111-2222-4333-8444-555555555555", "db1"],
  session: "5d7c9f3e-0000-11f1-8000-000000000000",
  issuedAt: new Date("2026-06-01T10:00:00Z"),
};

function lock(target: LockTarget, rest: Omit<Partial<Lock["spec"]>, "target"> = {}): Lock {
  return { kind: "lock", version: "v2", metadata: { name: "l" }, spec: { target, ...rest } };
}
const holds = (one: Lock, against: LockSubject = subject): boolean =>
  findLock([one], against, now) !== undefined;

describe("locks", () => {
  it("holds against each kind of target, and against no other one", () => {
    const fitting: LockTarget[] = [
      { user: "alice" },
      { role: "ops" },
      { login: "root" },
      { node: "db1" },
      { node: "11111111-2222-4333-8444-555555555555" },
      { session: "5d7c9f3e-0000-11f1-8000-000000000000" },
    ];
    for (const target of fitting) assert.equal(holds(lock(target)), true, JSON.stringify(target));
    const foreign: LockTarget[] = [
      { user: "alic" },
      { user: "Alice" },
      { role: "alice" },
      { login: "alice" },
      { node: "db" },
      { session: "x" },
    ];
    for (const target of foreign) assert.equal(holds(lock(target)), false, JSON.stringify(target));
  });

  it("holds only where the whole target fits", () => {
    assert.equal(holds(lock({ user: "alice", node: "db1" })), true);
    assert.equal(holds(lock({ user: "alice", node: "db2" })), false);
  });

  it("never holds against everybody: by an empty target, or by a field that is not known", () => {
    assert.equal(holds(lock({})), false);
    assert.equal(holds(lock({ user: "" })), false);
    assert.equal(holds(lock({ mfa_device: "x" } as LockTarget)), false);
    assert.equal(holds(lock({ user: "alice", mfa_device: "x" } as LockTarget)), false);
    assert.equal(holds(lock({ toString: "x" } as unknown as LockTarget)), false);
  });

  it("is not about what the subject does not have", () => {
    const issuing: LockSubject = { user: "alice", roles: [] };
    for (const target of [{ login: "root" }, { node: "db1" }, { session: "x" }, { role: "dev" }]) {
      assert.equal(holds(lock(target), issuing), false);
    }
  });

  it("ends at `expires`; a time that cannot be read ends nothing", () => {
    const target = { user: "alice" };
    assert.equal(holds(lock(target, { expires: "2026-06-01T12:00:00.001Z" })), true);
    assert.equal(holds(lock(target, { expires: "2026-06-01T12:00:00Z" })), false);
    assert.equal(holds(lock(target, { expires: "0001-01-01T00:00:00Z" })), true);
    assert.equal(holds(lock(target, { expires: "soon" })), true);
  });

  it("with `issued_before` holds against older certificates only", () => {
    const target = { user: "alice" };
    assert.equal(holds(lock(target, { issued_before: "2026-06-01T10:00:01Z" })), true);
    assert.equal(holds(lock(target, { issued_before: "2026-06-01T10:00:00Z" })), false);
    assert.equal(holds(lock(target, { issued_before: "yesterday" })), true);
    const { issuedAt: _, ...withoutCertificate } = subject;
    assert.equal(holds(lock(target, { issued_before: "2026-06-01T10:00:01Z" }), withoutCertificate), false);
  });

  it("says whom it is about and why", () => {
    assert.equal(
      lockText(lock({ user: "al\nice" }, { message: "stolen laptop" })),
      'lock targeting User:"al\\nice" is in force: stolen laptop',
    );
    assert.equal(
      lockText(lock({ user: "alice", node: "db1" })),
      'lock targeting User:"alice" Node:"db1" is in force',
    );
  });

  it("is found among those of 10,000 deleted users in a moment", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      lock({ user: `gone${index}` }, { issued_before: "2026-06-01T11:00:00Z" }),
    );
    const all = [...many, lock({ user: "alice" })];
    const start = process.hrtime.bigint();
    for (let i = 0; i < 100; i++) assert.equal(findLock(all, subject, now), all.at(-1));
    assert.ok(process.hrtime.bigint() - start < 500_000_000n, "a search took more than 5 ms");
  });
});
