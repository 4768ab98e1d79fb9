import { readFileSync } from "node:fs";
import { badParameter } from "../errors/error.js";

/**
 * The join token that a setting means: the text itself, or the trimmed content of the file where it starts with `/`.
 * Throws `bad_parameter`.
 */
export function readToken(value: string): string {
  if (!value.startsWith("/")) return value;
  let content: string;
  try {
    content = readFileSync(value, "utf8").trim();
  } catch (error) {
    throw badParameter(`cannot read the join token from '${value}'`, { cause: error });
  }
  if (content === "") throw badParameter(`the join token file '${value}' is empty`);
  return content;
}
