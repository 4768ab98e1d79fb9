import assert from "node:assert/strict";
import { requireReadableRole } from "../../../core/access/readable-role.js";
import type { RoleConditions } from "../../../core/resources/role.js";
import { adminRole, role } from "./sample-roles.js";

const read = (conditions: RoleConditions): void => requireReadableRole(role("dev", { deny: conditions }));
const rules = (parts: object): RoleConditions => ({ rules: [{ resources: ["*"], verbs: ["*"], ...parts }] });

describe("a readable role", () => {
  it("passes with all that roles may hold", () => {
    requireReadableRole(adminRole);
    read({
      logins: ["root", "*", "{{external.email}}", '{{email.local(external["e mail"])}}'],
      node_labels: { "env": ["a*", "^[a-z]+$"], "{{external.team}}": "^{{external.tier}}$" },
      ...rules({
        where: `contains(session.participants, user.metadata.name)`,
        actions: ['log("info", "x")'],
      }),
    });
    read({ logins: null });
  });

  it("is refused with its name and the place of what cannot be read", () => {
    const refused: [RoleConditions, RegExp][] = [
      [
        { logins: ["{{external.}}"] },
        /^role "dev": deny\.logins: the template variable "external\." is not supported/,
      ],
      [{ logins: ["{{internal.home}}"] }, /deny\.logins: /],
      [{ kubernetes_users: ["{{a"] }, /deny\.kubernetes_users: the template/],
      [
        { node_labels: { env: ["ok", "^(a$"] } },
        /deny\.node_labels\.env: the regular expression cannot be used/,
      ],
      [{ node_labels: { "{{x}}": "a" } }, /deny\.node_labels: /],
      [rules({ where: "nonsense" }), /deny\.rules\[0\]\.where: the condition "nonsense" cannot be used/],
      [
        rules({ actions: ["shout()"] }),
        /deny\.rules\[0\]\.actions: the action "shout\(\)" cannot be used: the only action is log/,
      ],
      [rules({ actions: ['log("loud", "x")'] }), /log starts with/],
    ];
    for (const [conditions, message] of refused) {
      assert.throws(() => read(conditions), { code: "bad_parameter", message });
    }
  });
});
