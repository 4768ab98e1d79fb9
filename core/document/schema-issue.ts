import type { z } from "zod";
import type { Location, PositionedNode } from "./positioned.js";

const EXPECTED: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "'yes' or 'no'",
  array: "a list",
  object: "a map",
  record: "a map",
};

/**
 * Says in one line what a schema has against a value. Names the key and the type found but never the value itself:
 * it may be a secret. Issues of code `custom` bring their own text.
 */
export function describeIssue(issue: z.core.$ZodIssue, location: Location): string {
  const key = issue.path.findLast((step) => typeof step === "string");
  const name = key === undefined ? "the file" : `'${key}'`;
  // A message of the schema's own that lacks only its subject.
  if (issue.message.startsWith("must ")) return `${name} ${issue.message}`;
  switch (issue.code) {
    case "invalid_type":
      if (isMissing(issue, location)) return `key ${name} is missing`;
      return `${name} must be ${EXPECTED[issue.expected] ?? issue.expected}, not ${kindOf(location.node)}`;
    case "too_small":
      if (issue.origin === "number") return `${name} must be at least ${issue.minimum}`;
      return Number(issue.minimum) === 1
        ? `${name} must not be empty`
        : `${name} must have at least ${issue.minimum} entries`;
    case "too_big":
      if (issue.origin === "number" || issue.origin === "int")
        return `${name} must be at most ${issue.maximum}`;
      return `${name} must have at most ${issue.maximum} entries`;
    case "invalid_value":
      return `${name} must be one of: ${issue.values.map(String).join(", ")}`;
    case "invalid_format":
      return `${name} is not a valid ${issue.format}`;
    case "custom":
      return issue.message;
    case "invalid_key":
    case "invalid_element":
    case "invalid_union":
    case "not_multiple_of":
    case "unrecognized_keys":
      return `${name}: ${issue.message}`;
  }
}

/** Only a path that leaves a map by a key it does not have is missing; anything else is of the wrong type. */
function isMissing(issue: z.core.$ZodIssue, location: Location): boolean {
  return (
    location.path.length < issue.path.length &&
    location.node.kind === "map" &&
    typeof issue.path.at(-1) === "string"
  );
}

function kindOf(node: PositionedNode): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  if (node.value === null) return "empty";
  if (typeof node.value === "string") return "text";
  return typeof node.value === "number" && !Number.isInteger(node.value)
    ? "a fraction"
    : `a ${typeof node.value}`;
}
