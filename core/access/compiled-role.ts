import type { Role, RoleConditions } from "../resources/role.js";
import type { Traits } from "../resources/user.js";
import { compileLabelSelector, type LabelSelector } from "./label-selector.js";
import { allowedLogins, deniedLogins, type LoginSet } from "./logins.js";
import { type EffectiveOptions, effectiveOptions } from "./role-options.js";
import { ruleCovers } from "./rule.js";

/** One side of a role, `allow` or `deny`, ready to be asked. */
export interface CompiledConditions {
  readonly logins: LoginSet;
  readonly labels: LabelSelector;
  hasNamespace(namespace: string): boolean;
  hasRule(verb: string, kind: string): boolean;
}

/** A role with its templates expanded for one user. */
export interface CompiledRole {
  readonly name: string;
  readonly options: EffectiveOptions;
  readonly allow: CompiledConditions;
  readonly deny: CompiledConditions;
}

/** Prepares a role for one user. Throws `corrupt` where its options cannot be read. */
export function compileRole(role: Role, traits: Traits): CompiledRole {
  const { allow, deny } = role.spec;
  return {
    name: role.metadata.name,
    options: effectiveOptions(role),
    allow: {
      ...scope(allow),
      logins: allowedLogins(allow.logins ?? [], traits),
      // Version 3 roles that do not speak of labels reach every server.
      labels: compileLabelSelector(allow.node_labels ?? { "*": "*" }, traits, false),
      // A condition that is not evaluated must not widen a role; conditions are not evaluated yet.
      hasRule: (verb, kind) => rules(allow).some((rule) => !rule.where && ruleCovers(rule, verb, kind)),
    },
    deny: {
      ...scope(deny),
      logins: deniedLogins(deny.logins ?? [], traits),
      labels: compileLabelSelector(deny.node_labels ?? {}, traits, true),
      hasRule: (verb, kind) => rules(deny).some((rule) => ruleCovers(rule, verb, kind)),
    },
  };
}

const rules = (conditions: RoleConditions): NonNullable<RoleConditions["rules"]> => conditions.rules ?? [];

/** Stored roles never name namespaces: there is only `default`. */
function scope(conditions: RoleConditions): Pick<CompiledConditions, "hasNamespace"> {
  const namespaces = conditions.namespaces ?? ["default"];
  return { hasNamespace: (namespace) => namespaces.includes("*") || namespaces.includes(namespace) };
}
