import type { Traits } from "../resources/user.js";
import { badParameter } from "../errors/error.js";

/** The traits that `internal.` may name, as in 4.2. */
const INTERNAL_TRAITS: ReadonlySet<string> = new Set(["logins", "kubernetes_groups", "kubernetes_users"]);
const TEMPLATE = /^([^{}]*)\{\{([^{}]*)\}\}([^{}]*)$/;
const VARIABLE = /^(internal|external)(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*"([^"\\]+)"\s*\])$/;
const EMAIL_LOCAL = /^email\.local\((.*)\)$/;

/**
 * Expands a text of a role: `prefix{{external.name}}suffix`, `{{internal.name}}`, `{{external["any name"]}}` or
 * `{{email.local(external.name)}}`, one expression per text. A trait gives one result for each of its values, and
 * none where the user lacks it; a text without expression is its own only result. Throws `bad_parameter` where the
 * expression cannot be read.
 */
export function expandTemplate(text: string, traits: Traits): string[] {
  const match = TEMPLATE.exec(text);
  if (match === null) {
    if (text.includes("{{") || text.includes("}}")) {
      throw badParameter(
        `the template ${JSON.stringify(text.slice(0, 128))} cannot be read: use {{external.name}} once`,
      );
    }
    return [text];
  }
  const [, prefix = "", expression = "", suffix = ""] = match;
  return evaluate(expression.trim(), traits)
    .filter((value) => value !== "")
    .map((value) => prefix.trimStart() + value + suffix.trimEnd());
}

function evaluate(expression: string, traits: Traits): string[] {
  const argument = EMAIL_LOCAL.exec(expression)?.[1];
  return argument === undefined
    ? traitValues(expression, traits)
    : traitValues(argument.trim(), traits).map(emailLocalPart);
}

function traitValues(variable: string, traits: Traits): string[] {
  const [, namespace, dotted, quoted] = VARIABLE.exec(variable) ?? [];
  const name = dotted ?? quoted;
  if (name === undefined || (namespace === "internal" && !INTERNAL_TRAITS.has(name))) {
    throw badParameter(`the template variable ${JSON.stringify(variable.slice(0, 128))} is not supported`);
  }
  return Object.hasOwn(traits, name) ? (traits[name] ?? []) : [];
}

/** Empty, and so dropped, for what is no address. */
function emailLocalPart(address: string): string {
  return /^(?:[^<>]*<)?([^@<>\s]+)@[^@<>\s]+>?$/.exec(address)?.[1] ?? "";
}
