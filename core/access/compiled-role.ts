import type { Role, RoleConditions } from "../resources/role.js";
import type { Traits } from "../resources/user.js";
import { type CompiledRule, compileRules } from "./compiled-rule.js";
import { compileLabelSelector, type LabelSelector } from "./label-selector.js";
import { allowedLogins, deniedLogins, type LoginSet } from "./logins.js";
import { type EffectiveOptions, effectiveOptions } from "./role-options.js";

/** One side of a role, `allow` or `deny`, ready to be asked. */
export interface CompiledConditions {
  readonly logins: LoginSet;
  readonly labels: LabelSelector;
  hasNamespace(namespace: string): boolean;
  /** The rules, the most specific first. */
  rules(): readonly CompiledRule[];
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
      rules: rulesOf(allow, false),
    },
    deny: {
      ...scope(deny),
      logins: deniedLogins(deny.logins ?? [], traits),
      labels: compileLabelSelector(deny.node_labels ?? {}, traits, true),
      rules: rulesOf(deny, true),
    },
  };
}

/** Compiled when they are first asked for: who opens connections asks for none. */
function rulesOf({ rules = [] }: RoleConditions, whenUnclear: boolean): CompiledConditions["rules"] {
  let compiled: CompiledRule[] | undefined;
  return () => (compiled ??= compileRules(rules, whenUnclear));
}

/** Stored roles never name namespaces: there is only `default`. */
function scope(conditions: RoleConditions): Pick<CompiledConditions, "hasNamespace"> {
  const namespaces = conditions.namespaces ?? ["default"];
  return { hasNamespace: (namespace) => namespaces.includes("*") || namespaces.includes(namespace) };
}
