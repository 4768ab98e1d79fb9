import assert from "node:assert/strict";
import fc from "fast-check";
import { createAccess } from "../../../core/access/access.js";
import type { ServerFacts } from "../../../core/access/server-decision.js";
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
/** Deny conditions win: were they frequent, nearly everything would be denied and the allow side never be tested. */
const mostlyNothing: fc.Arbitrary<RoleConditions> = fc.oneof(
  { weight: 7, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: conditions },
);
const roles: fc.Arbitrary<Role[]> = fc
  .array(
    fc.record({
      name: fc.constantFrom("r1", "r2", "r3"),
      allow: conditions,
      deny: mostlyNothing,
    }),
    { maxLength: 4 },
  )
  .map((parts) => parts.map(({ name, allow, deny }) => role(name, { allow, deny })));
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
/** Whether a deny condition is about a server and login, found out by turning it into an allow condition. */
function deniesServer({ spec: { deny } }: Role, target: ServerFacts, as: string): boolean {
  const labels = role("labels", { allow: { logins: [as], node_labels: deny.node_labels ?? {} } });
  return (deny.logins ?? []).includes(as) || createAccess([labels], {}).checkServer(target, as).allowed;
}

/** The same for an action; the implicit role must not answer in its place. */
function deniesAction({ spec: { deny } }: Role, action: string, on: string): boolean {
  const decision = createAccess([role("rules", { allow: { rules: deny.rules ?? [] } })], {}).checkRule(
    action,
    on,
  );
  return decision.allowed && decision.role === "rules";
}

describe("access, for any roles", () => {
  it("allows a server exactly where one role alone does and no role denies", () => {
    fc.assert(
      fc.property(roles, server, login, (all, target, as) => {
        const alone = all.some((one) => createAccess([withoutDeny(one)], {}).checkServer(target, as).allowed);
        const denied = all.some((one) => deniesServer(one, target, as));
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
        const denied = all.some((one) => deniesAction(one, action, on));
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
