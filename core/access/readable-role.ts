import { badParameter, errorMessage } from "../errors/error.js";
import type { Role, RoleConditions } from "../resources/role.js";
import { compileLabelPattern } from "./label-pattern.js";
import { compileAction } from "./rule-action.js";
import { expandTemplate } from "./template.js";
import { compileWhere } from "./where.js";

/**
 * Refuses a role with a template, expression, condition or action that cannot be read: it would allow nothing or deny
 * everything, and that must not go unnoticed. Throws `bad_parameter` that names the role and the place.
 */
export function requireReadableRole({ metadata, spec }: Role): void {
  for (const side of ["allow", "deny"] as const) {
    for (const [place, read] of textsOf(spec[side])) {
      try {
        read();
      } catch (error) {
        throw badParameter(`role "${metadata.name}": ${side}.${place}: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    }
  }
}

type Reading = readonly [place: string, read: () => unknown];

function textsOf(conditions: RoleConditions): Reading[] {
  const { logins, kubernetes_groups: groups, kubernetes_users: users, node_labels: labels } = conditions;
  const templates = (place: string, texts: readonly string[] | null | undefined): Reading[] =>
    (texts ?? []).map((text) => [place, () => expandTemplate(text, {})]);
  return [
    ...templates("logins", logins),
    ...templates("kubernetes_groups", groups),
    ...templates("kubernetes_users", users),
    ...Object.entries(labels ?? {}).flatMap(([key, value]) => [
      ...templates("node_labels", [key]),
      ...[value].flat().map((text): Reading => [`node_labels.${key}`, () => readLabelValue(text)]),
    ]),
    ...(conditions.rules ?? []).flatMap((rule, i): Reading[] => [
      ...(rule.where ? [[`rules[${i}].where`, () => compileWhere(rule.where ?? "")] as const] : []),
      ...(rule.actions ?? []).map((action): Reading => [`rules[${i}].actions`, () => compileAction(action)]),
    ]),
  ];
}

/** What a template gives is known only when a user has it. */
function readLabelValue(text: string): void {
  if (text.includes("{{") || text.includes("}}")) expandTemplate(text, {});
  else compileLabelPattern(text);
}
