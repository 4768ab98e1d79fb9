import assert from "node:assert/strict";
import fc from "fast-check";
import { createAccess } from "../../../core/access/access.js";
import type { Role, RoleConditions } from "../../../core/resources/role.js";
import { role } from "./sample-roles.js";

const LOGINS = ["root", "dev", "ops"];
const KINDS = ["user", "role", "node", "token"];
const VERBS = ["list", "read", "create", "delete"];

const some = <T>(values: T[]): fc.Arbitrary<T[]> => fc.subarray(values);
const conditions: fc.Arbitrary<RoleConditions> = fc.record({
  logins: some(LOGINS),
  node_labels: fc.oneof(
    fc.constant({ "*": "*" }),
    fc.dictionary(
      fc.constantFrom("env", "tier"),
      fc.oneof(fc.constantFrom("a", "b", "a*", "^[ab]$", "*"), some(["a", "b"])),
      {
        noNullPrototype: true,
      },
    ),
  ),
  rules: fc.array(fc.record({ resources: some(["*", ...KINDS]), verbs: some(["*", ...VERBS]) }), {
    maxLength: 2,
  }),
});
const roles: fc.Arbitrary<Role[]> = fc
  .array(
    fc.record({
      name: fc.constantFrom("r1", "r2", "r3"),
      allow: conditions,
      deny: fc.option(conditions, { nil: undefined }),
    }),
    { maxLength: 4 },
  )
  .map((parts) => parts.map(({ name, allow, deny }) => role(name, { allow, deny: deny ?? {} })));
const server = fc.record({
  namespace: fc.constant("default"),
  labels: fc.dictionary(fc.constantFrom("env", "tier"), fc.constantFrom("a", "b", "ab"), {
    noNullPrototype: true,
  }),
});
const login = fc.constantFrom(...LOGINS);
const verb = fc.constantFrom(...VERBS);
const kind = fc.constantFrom(...KINDS);

const withoutDeny = (one: Role): Role => role(one.metadata.name, { allow: one.spec.allow });
const withoutAllow = (one: Role): Role =>
  role(one.metadata.name, { allow: { node_labels: {} }, deny: one.spec.deny });

describe("access, for any roles", () => {
  it("allows a server exactly where one role alone does and no role denies", () => {
    fc.assert(
      fc.property(roles, server, login, (all, target, as) => {
        const alone = all.some((one) => createAccess([withoutDeny(one)], {}).checkServer(target, as).allowed);
        const opener = role("opener", { allow: { logins: LOGINS } });
        const denied = all.some(
          (one) => !createAccess([opener, withoutAllow(one)], {}).checkServer(target, as).allowed,
        );
        assert.equal(createAccess(all, {}).checkServer(target, as).allowed, alone && !denied);
      }),
      { numRuns: 500 },
    );
  });

  it("allows an action exactly where one role alone does and no role denies", () => {
    fc.assert(
      fc.property(roles, verb, kind, (all, action, on) => {
        const alone = [role("none"), ...all].some(
          (one) => createAccess([withoutDeny(one)], {}).checkRule(action, on).allowed,
        );
        const opener = role("opener", { allow: { rules: [{ resources: ["*"], verbs: ["*"] }] } });
        const denied = all.some(
          (one) => !createAccess([opener, withoutAllow(one)], {}).checkRule(action, on).allowed,
        );
        assert.equal(createAccess(all, {}).checkRule(action, on).allowed, alone && !denied);
      }),
      { numRuns: 500 },
    );
  });

  it("never gives more when a role's deny grows, and does not depend on the order of roles", () => {
    fc.assert(
      fc.property(roles, conditions, server, login, (all, deny, target, as) => {
        const before = createAccess(all, {});
        const after = createAccess([...all, role("denier", { allow: { node_labels: {} }, deny })], {});
        const reversed = createAccess([...all].reverse(), {});
        assert.ok(before.checkServer(target, as).allowed || !after.checkServer(target, as).allowed);
        assert.equal(reversed.checkServer(target, as).allowed, before.checkServer(target, as).allowed);
        assert.ok(after.logins().every((name) => before.logins().includes(name)));
        assert.equal(
          before.canSeeServer(target),
          LOGINS.some((name) => before.checkServer(target, name).allowed),
        );
      }),
      { numRuns: 500 },
    );
  });
});
