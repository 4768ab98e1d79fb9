import assert from "node:assert/strict";
import { createAccess } from "../../../core/access/access.js";
import type { RuleSubject } from "../../../core/access/where.js";
import type { Rule } from "../../../core/resources/role.js";
import { role } from "./sample-roles.js";

const rule = (parts: Partial<Rule>): Rule => ({ resources: ["user"], verbs: ["read"], ...parts });
const user = { metadata: { name: "alice" }, spec: { roles: [], traits: {} } };
const own = `equals(resource.metadata.name, user.metadata.name)`;
const subject = (name: string): RuleSubject => ({ user, resource: { kind: "user", metadata: { name } } });
const may = (parts: Parameters<typeof role>[1], of?: RuleSubject): boolean =>
  createAccess([role("r", parts)], {}).checkRule("read", "user", of).allowed;

describe("rules with conditions", () => {
  it("allow where the condition holds, and never where it cannot be answered or read", () => {
    const allow = { rules: [rule({ where: own })] };
    assert.equal(may({ allow }, subject("alice")), true);
    assert.equal(may({ allow }, subject("bob")), false);
    assert.equal(may({ allow }), false);
    assert.equal(may({ allow: { rules: [rule({ where: `!${own}` })] } }), false);
    assert.equal(may({ allow: { rules: [rule({ where: "nonsense" })] } }, subject("alice")), false);
  });

  it("deny where the condition holds, and always where it cannot be answered or read", () => {
    const allow = { rules: [rule({})] };
    const deny = { rules: [rule({ where: own })] };
    assert.equal(may({ allow, deny }, subject("alice")), false);
    assert.equal(may({ allow, deny }, subject("bob")), true);
    assert.equal(may({ allow, deny }), false);
    assert.equal(may({ allow, deny: { rules: [rule({ where: "nonsense" })] } }, subject("bob")), false);
  });

  it("does the actions of the rule that decides, which is the most specific one", () => {
    const logged: string[] = [];
    const log = (level: string, message: string): void => void logged.push(`${level}: ${message}`);
    const rules = [
      rule({ resources: ["*"], verbs: ["*"], actions: ['log("info", "any")'] }),
      rule({ verbs: ["*"], actions: ['log("info", "any verb")'] }),
      rule({ actions: ['log("warn", "%v reads %q", user.metadata.name, resource.metadata.name)'] }),
      rule({ where: `equals(resource.metadata.name, "bob")`, actions: ['log("error", "100%% bob", "x")'] }),
    ];
    const access = createAccess([role("r", { allow: { rules } })], {});
    for (const name of ["carol", "bob"]) {
      assert.equal(access.checkRule("read", "user", subject(name), log).allowed, true);
    }
    assert.equal(access.checkRule("list", "user", subject("bob"), log).allowed, true);
    assert.equal(access.checkRule("list", "node", {}, log).allowed, true);
    assert.deepEqual(logged, [
      'warn: alice reads "carol"',
      "error: 100% bob x",
      "info: any verb",
      "info: any",
    ]);
  });

  it("logs what cannot be read of an action, and decides all the same", () => {
    const logged: string[] = [];
    const rules = [rule({ actions: ["shout()", 'log("info", "by %v", user.metadata.name)'] })];
    const access = createAccess([role("r", { allow: { rules } })], {});
    assert.equal(access.checkRule("read", "user", {}, (_, message) => logged.push(message)).allowed, true);
    assert.deepEqual(logged, ['the action "shout()" of a rule cannot be read', "by (unknown)"]);
  });
});
