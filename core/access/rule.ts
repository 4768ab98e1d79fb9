/** What can be done with API resources. `read` includes `readnosecrets`. */
export const VERBS = ["list", "create", "read", "readnosecrets", "update", "delete", "rotate"] as const;

/** The verbs of full access, in the notation of the permission tables: RW. */
export const READ_WRITE = ["list", "create", "read", "update", "delete"] as const;
/** RO: reading with secrets. */
export const READ_ONLY = ["list", "read"] as const;
/** RNS: reading without secrets. */
export const READ_NO_SECRETS = ["list", "readnosecrets"] as const;

/** The parts of a rule that say what it is about. */
export interface RuleScope {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Whether a rule is about this verb on this kind; `*` stands for any of either. */
export function ruleCovers(rule: RuleScope, verb: string, kind: string): boolean {
  return (
    covers(rule.resources, kind) &&
    (covers(rule.verbs, verb) || (verb === "readnosecrets" && rule.verbs.includes("read")))
  );
}

const covers = (names: readonly string[], name: string): boolean =>
  names.includes(name) || names.includes("*");
