import { compileRegularExpression } from "./regular-expression.js";

/** Whether a label's value fits. Throws where the pattern cannot be matched against it. */
export type LabelPattern = (value: string) => boolean;

/**
 * Compiles one value of `node_labels`: `^regex$` if it starts and ends so, otherwise a glob in which `*` stands for
 * any text. Throws `bad_parameter` for an expression that cannot be compiled.
 */
export function compileLabelPattern(pattern: string): LabelPattern {
  if (pattern.startsWith("^") && pattern.endsWith("$")) {
    const expression = compileRegularExpression(pattern);
    return (value) => expression.test(value);
  }
  const [head = "", ...rest] = pattern.split("*");
  return rest.length === 0 ? (value) => value === head : (value) => matchGlob(head, rest, value);
}

/** Leftmost placement of each part is always enough, so this takes time in proportion to the lengths. */
function matchGlob(head: string, rest: readonly string[], value: string): boolean {
  const tail = rest.at(-1) ?? "";
  if (!value.startsWith(head)) {
    return false;
  }
  let at = head.length;
  for (const part of rest.slice(0, -1)) {
    const found = value.indexOf(part, at);
    if (found < 0) {
      return false;
    }
    at = found + part.length;
  }
  return value.length - at >= tail.length && value.endsWith(tail);
}
