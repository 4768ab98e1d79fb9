import { badParameter } from "../errors/error.js";
import { escapeControl, hasControl } from "./control-characters.js";

/** Checks the name of a node's label and returns it. Throws `bad_parameter`. */
export function checkLabelName(name: string): string {
  if (/^[a-zA-Z/.0-9_*-]+$/.test(name)) return name;
  throw badParameter(
    `invalid label name '${escapeControl(name)}', it may hold letters, digits and / . _ * - only`,
  );
}

/** Checks the value of a node's label and returns it. Throws `bad_parameter`. */
export function checkLabelValue(value: string): string {
  if (!hasControl(value)) return value;
  throw badParameter(`invalid label value '${escapeControl(value)}', it may not hold control characters`);
}

/**
 * Reads a label spec of the command line, `k=v,k2="v 2"`. Pairs are separated by `,` or `;`; double quotes protect
 * separators and `=`, and are removed where they enclose a whole key or value. An empty spec has no labels.
 * Throws `bad_parameter`.
 */
export function parseLabels(spec: string): Record<string, string> {
  const labels = new Map<string, string>();
  for (const pair of splitUnquoted(spec, ",;", spec)) {
    if (pair.trim() === "") continue;
    const [key, value, ...rest] = splitUnquoted(pair, "=", spec).map(unquote);
    if (!key || !value || rest.length > 0) throw invalid(spec);
    if (labels.has(key)) throw badParameter(`label '${key}' is given twice in '${spec}'`);
    labels.set(key, value);
  }
  // Unlike assignment, fromEntries makes an own property even of `__proto__`.
  return Object.fromEntries(labels);
}

function splitUnquoted(text: string, separators: string, spec: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let part = "";
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    if (!quoted && separators.includes(character)) {
      parts.push(part);
      part = "";
    } else {
      part += character;
    }
  }
  if (quoted) throw invalid(spec);
  return [...parts, part];
}

function unquote(text: string): string {
  const trimmed = text.trim();
  return /^"[^"]*"$/.test(trimmed) ? trimmed.slice(1, -1) : trimmed;
}

function invalid(spec: string): Error {
  return badParameter(`invalid label spec: '${spec}', should be 'key=value'`);
}
