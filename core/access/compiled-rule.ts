import type { Rule } from "../resources/role.js";
import { ruleCovers } from "./rule.js";
import { compileAction, type RuleLog } from "./rule-action.js";
import { compileWhere, type Condition, type RuleSubject } from "./where.js";

/** A rule of a role, ready to be asked. */
export interface CompiledRule {
  /** Whether it is about the verb and kind, and its condition holds. */
  applies(verb: string, kind: string, subject: RuleSubject): boolean;
  /** Does its actions. */
  act(subject: RuleSubject, log: RuleLog): void;
}

/**
 * Compiles the rules of one side of a role, the most specific first (features.md §5.2), which is the order in which
 * their actions are to be found. A condition that cannot be read, or not be answered, counts as `whenUnclear`: false
 * for `allow`, true for `deny`.
 */
export function compileRules(rules: readonly Rule[], whenUnclear: boolean): CompiledRule[] {
  return [...rules].sort(bySpecificity).map((rule) => compileRule(rule, whenUnclear));
}

function compileRule(rule: Rule, whenUnclear: boolean): CompiledRule {
  const holds = tolerant(rule.where, whenUnclear);
  return {
    applies: (verb, kind, subject) => ruleCovers(rule, verb, kind) && holds(subject),
    act(subject, log) {
      for (const source of rule.actions ?? []) {
        try {
          compileAction(source)(subject, log);
        } catch {
          log("error", `the action ${JSON.stringify(source)} of a rule cannot be read`);
        }
      }
    },
  };
}

function tolerant(where: string | undefined, whenUnclear: boolean): Condition {
  if (!where) return () => true;
  let condition: Condition;
  try {
    condition = compileWhere(where);
  } catch {
    return () => whenUnclear;
  }
  return (subject) => {
    try {
      return condition(subject);
    } catch {
      return whenUnclear;
    }
  };
}

/** Rules that name their resources come before those for `*`, then the higher score. */
function bySpecificity(a: Rule, b: Rule): number {
  return Number(isForAll(a)) - Number(isForAll(b)) || score(b) - score(a);
}

const isForAll = ({ resources }: Rule): boolean => resources.includes("*");

function score(rule: Rule): number {
  return (
    (isForAll(rule) ? -4 : 0) +
    (rule.resources.length === 1 ? 2 : 0) +
    (rule.verbs.includes("*") ? -2 : 0) +
    (rule.where ? 8 : 0) +
    (rule.actions?.length ? 8 : 0)
  );
}
