/** Conditions of rules: `where: contains(user.spec.traits["teams"], resource.metadata.labels["team"])`. */
import { badParameter, errorMessage } from "../errors/error.js";
import type { Traits } from "../resources/user.js";
import { type Expression, parseExpression, type PathStep } from "./where-syntax.js";

/** What conditions can speak of. What is absent cannot be asked for: the condition fails. */
export interface RuleSubject {
  /** Who acts. */
  readonly user?: {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly roles: readonly string[]; readonly traits: Traits };
  };
  /** What is acted on, in its JSON form. */
  readonly resource?: object;
  /** The recording that is asked for. */
  readonly session?: { readonly participants: readonly string[] };
}

/** A compiled condition. Throws `bad_parameter` where it cannot be answered for this subject. */
export type Condition = (subject: RuleSubject) => boolean;

/**
 * Compiles a `where`: `&&`, `||`, `!`, parentheses, `equals(a, b)`, `contains(list, x)`, texts in quotes, `user.…`,
 * `resource.…`, `session.participants` and `system.catype()`, the type of an authority. Throws `bad_parameter`.
 */
export function compileWhere(source: string): Condition {
  try {
    return compileCondition(parseExpression(source));
  } catch (error) {
    throw badParameter(
      `the condition ${JSON.stringify(source.slice(0, 128))} cannot be used: ${errorMessage(error)}`,
      {
        cause: error,
      },
    );
  }
}

function compileCondition(expression: Expression): Condition {
  switch (expression.is) {
    case "and": {
      const [left, right] = [compileCondition(expression.left), compileCondition(expression.right)];
      return (subject) => left(subject) && right(subject);
    }
    case "or": {
      const [left, right] = [compileCondition(expression.left), compileCondition(expression.right)];
      return (subject) => left(subject) || right(subject);
    }
    case "not": {
      const operand = compileCondition(expression.operand);
      return (subject) => !operand(subject);
    }
    case "call":
      return compileCall(expression.name, expression.args);
    case "text":
    case "path":
      throw badParameter("a text or a field alone is no condition: use equals or contains");
  }
}

function compileCall(name: string, args: readonly Expression[]): Condition {
  if (name !== "equals" && name !== "contains") {
    throw badParameter(`there is no function ${name}: use equals or contains`);
  }
  const [first, second, ...more] = args;
  if (first === undefined || second === undefined || more.length > 0) {
    throw badParameter(`${name} takes two arguments`);
  }
  const [left, right] = [compileValue(first), compileValue(second)];
  if (name === "equals") return (subject) => textOf(left(subject), name) === textOf(right(subject), name);
  return (subject) => listOf(left(subject)).includes(textOf(right(subject), name));
}

/** Gives what an argument stands for. Throws `bad_parameter` where the subject has no such field. */
export type Value = (subject: RuleSubject) => unknown;

/** Compiles an argument of a function. Throws `bad_parameter`. */
export function compileValue(expression: Expression): Value {
  switch (expression.is) {
    case "text":
      return () => expression.value;
    case "path":
      return compilePath(expression.steps);
    case "call":
      if (expression.name === "system.catype" && expression.args.length === 0) return authorityType;
      throw badParameter(`there is no value ${expression.name}()`);
    case "and":
    case "or":
    case "not":
      throw badParameter("an argument is a text, a field or system.catype()");
  }
}

const ROOTS: ReadonlySet<string> = new Set(["user", "resource", "session"]);

function compilePath(steps: readonly PathStep[]): Value {
  const name = steps
    .map((step, i) =>
      step.by === "key" ? `[${JSON.stringify(step.name)}]` : `${i > 0 ? "." : ""}${step.name}`,
    )
    .join("");
  // With `user["name"]` the whole subject would pass for a map, and one that is absent for a map that lacks the key.
  if (!ROOTS.has(steps[0]?.name ?? "") || steps[1]?.by !== "field") {
    throw badParameter(`${name} is not known: use fields of user, resource or session`);
  }
  return (subject) => {
    let value: unknown = subject;
    for (const step of steps) {
      const held: unknown =
        typeof value === "object" && value !== null && Object.hasOwn(value, step.name)
          ? (value as Record<string, unknown>)[step.name]
          : undefined;
      // A map may lack a key, as traits and labels do; a field that is not there may be a slip of the pen.
      if (held === undefined && step.by === "field" && !isOptionalMap(step, steps)) {
        throw badParameter(`${name} is not there`);
      }
      value = held;
    }
    return value;
  };
}

/** Labels and traits of those that have none are absent in JSON; a key of theirs is then missing like any other. */
function isOptionalMap(step: PathStep, steps: readonly PathStep[]): boolean {
  return steps[steps.indexOf(step) + 1]?.by === "key";
}

function authorityType({ resource }: RuleSubject): unknown {
  const { kind, spec } = (resource ?? {}) as { kind?: unknown; spec?: { type?: unknown } };
  if (kind !== "cert_authority") throw badParameter("system.catype() is known of authorities only");
  return spec?.type;
}

/** A key that a map lacks is the empty text, as in Go. */
function textOf(value: unknown, name: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  throw badParameter(`${name} compares texts, not lists`);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw badParameter("contains looks into lists");
}
