/** What roles say about API resources (features.md §5.2): deny first, and one rule alone has to allow. */
import type { CompiledRole } from "./compiled-role.js";
import { allow, type Decision, refuse } from "./decision.js";
import type { RuleLog } from "./rule-action.js";
import type { RuleSubject } from "./where.js";

/** What a rule is asked about. */
export interface RuleQuestion {
  readonly verb: string;
  readonly kind: string;
  readonly subject: RuleSubject;
  readonly log: RuleLog;
}

/** Decides, and does the actions of the rule that decided. */
export function decideRule(roles: readonly CompiledRole[], question: RuleQuestion): Decision {
  const { verb, kind } = question;
  const denying = deciding(roles, "deny", question);
  if (denying !== undefined) {
    return refuse(`access denied to perform action '${verb}' on ${kind}`, `role ${denying} denies it`);
  }
  const granting = deciding(roles, "allow", question);
  return granting === undefined
    ? refuse(`access denied to perform action "${verb}" on "${kind}"`, "no role allows it")
    : allow(granting);
}

/** The role whose rule decides on this side. */
function deciding(
  roles: readonly CompiledRole[],
  side: "allow" | "deny",
  { verb, kind, subject, log }: RuleQuestion,
): string | undefined {
  for (const role of roles) {
    if (!role[side].hasNamespace("default")) continue;
    const rule = role[side].rules().find((one) => one.applies(verb, kind, subject));
    if (rule === undefined) continue;
    rule.act(subject, log);
    return role.name;
  }
  return undefined;
}
