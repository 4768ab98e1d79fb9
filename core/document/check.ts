import type { z } from "zod";
import type { Finding } from "./problem.js";
import { locate, pathKey, plainValue } from "./positioned.js";
import type { PositionedNode } from "./positioned.js";
import { rereadScalar } from "./scalar.js";
import { keysAt } from "./schema-keys.js";
import { describeIssue } from "./schema-issue.js";
import { nearest } from "./suggest.js";

/** What a check gives: the typed value, or every finding. */
export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly findings: readonly Finding[] };

/** Options of {@link check}. */
export interface CheckOptions {
  /** Every key of the whole file with the sections that accept it, to say where a misplaced key belongs. */
  readonly sections?: ReadonlyMap<string, readonly string[]>;
}

/**
 * Checks a tree against a schema and places every issue in the file. A scalar is read as the type that the schema
 * expects there, as Go's YAML does: `yes` as a boolean, `1.0` as text.
 */
export function check<S extends z.ZodType>(
  schema: S,
  root: PositionedNode,
  options: CheckOptions = {},
): Checked<z.output<S>> {
  const readings = new Map<string, unknown>();
  for (;;) {
    const result = schema.safeParse(plainValue(root, readings));
    if (result.success) return { ok: true, value: result.data };
    const issues = result.error.issues.flatMap((issue) => flatten(issue));
    if (!reread(root, issues, readings)) {
      return { ok: false, findings: issues.flatMap((issue) => place(schema, root, issue, options)) };
    }
  }
}

/** Adds the readings that the issues ask for; false when there are no new ones. */
function reread(
  root: PositionedNode,
  issues: readonly PlacedIssue[],
  readings: Map<string, unknown>,
): boolean {
  let added = false;
  for (const { issue } of issues) {
    if (issue.code !== "invalid_type") continue;
    const { node, path } = locate(root, issue.path);
    const key = pathKey(path);
    if (node.kind !== "scalar" || readings.has(key)) continue;
    const reading = rereadScalar(node, issue.expected);
    if (reading === undefined) continue;
    readings.set(key, reading);
    added = true;
  }
  return added;
}

/** An issue with its full path. */
interface PlacedIssue {
  readonly issue: z.core.$ZodIssue;
  /** Whether the key is at fault, not its value. */
  readonly atKey: boolean;
}

/** The alternative of a union that comes nearest speaks for it; a refused key speaks for itself. */
function flatten(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = [], atKey = false): PlacedIssue[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === "invalid_key") return issue.issues.flatMap((inner) => flatten(inner, path, true));
  const closest = issue.code === "invalid_union" ? closestAlternative(issue.errors) : undefined;
  if (closest) return closest.flatMap((inner) => flatten(inner, path, atKey));
  return [{ issue: { ...issue, path }, atKey }];
}

/** One of the right type is nearer than any of another type; then the fewest issues count. */
function closestAlternative(
  alternatives: readonly z.core.$ZodIssue[][],
): readonly z.core.$ZodIssue[] | undefined {
  const isOtherType = (issues: readonly z.core.$ZodIssue[]): boolean =>
    issues.some((issue) => issue.code === "invalid_type" && issue.path.length === 0);
  return [...alternatives].sort(
    (a, b) => Number(isOtherType(a)) - Number(isOtherType(b)) || a.length - b.length,
  )[0];
}

function place(
  schema: z.ZodType,
  root: PositionedNode,
  { issue, atKey }: PlacedIssue,
  options: CheckOptions,
): Finding[] {
  const location = locate(root, issue.path);
  if (issue.code !== "unrecognized_keys") {
    const position = (atKey && location.keyPosition) || location.node.position;
    return [{ position, message: describeIssue(issue, location) }];
  }
  const known = keysAt(schema, issue.path);
  const { node } = location;
  return issue.keys.map((key) => ({
    position: (node.kind === "map" && node.entries.get(key)?.keyPosition) || node.position,
    message: `unrecognized configuration key: '${key}'`,
    hint: hintFor(key, known, options.sections ?? new Map()),
  }));
}

/** More sections than this say nothing about where a key such as `enabled` should go. */
const MAX_SECTIONS = 4;

function hintFor(
  key: string,
  known: readonly string[],
  sections: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  const exact = sectionNames(sections.get(key));
  if (exact) return `it belongs ${exact}`;
  const near = nearest(key, known);
  if (near !== undefined) return `did you mean '${near}'?`;
  const distant = nearest(key, sections.keys());
  const place = distant === undefined ? undefined : sectionNames(sections.get(distant));
  return place && `did you mean '${distant}' ${place}?`;
}

function sectionNames(names: readonly string[] = []): string | undefined {
  if (names.length === 0 || names.length > MAX_SECTIONS) return undefined;
  if (names.includes("")) return "at the top level";
  return `under ${names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`}`;
}
