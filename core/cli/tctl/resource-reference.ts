import { badParameter } from "../../errors/error.js";

/** A resource, or all resources of a kind, as `get` names them. */
export interface ResourceReference {
  /** A kind or one of its aliases, in lower case. */
  readonly kind: string;
  readonly name?: string | undefined;
}

/**
 * Reads `kind[/name]` references, separated by commas; `\,` is a comma inside of a name, and a space may stand for the
 * slash. Throws `bad_parameter`.
 */
export function parseReferences(list: string): ResourceReference[] {
  return list.split(/(?<!\\),/).map((text) => parseReference(text.replaceAll("\\,", ",")));
}

function parseReference(text: string): ResourceReference {
  const [kind, name, ...rest] = text.split(/[/ \t]+/).filter((part) => part !== "");
  if (kind === undefined || rest.length > 0) throw unsupported(text);
  return { kind: kind.toLowerCase(), name };
}

/** The error for a reference that means nothing. */
export function unsupported(text: string): Error {
  return badParameter(
    `unsupported resource: ${JSON.stringify(text)} - resources should be expressed as 'type/name', for example 'role/admin'`,
  );
}
