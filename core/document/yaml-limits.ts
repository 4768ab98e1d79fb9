import { Lexer } from "yaml";
import type { Finding } from "./problem.js";

/** The largest configuration, or document of a stream, that is read, in characters. */
const MAX_LENGTH = 256 * 1024;

/** How deep collections may nest; the deepest key of the schema lies at 6. */
const MAX_DEPTH = 64;

/**
 * Finds a text that is too large or nests too deeply to be parsed. The composer behind this recurses, and V8 aborts
 * the whole process where it runs out of stack inside a regular expression, so it must never see such a text.
 */
export function checkYamlSize(text: string, what = "the file"): Finding | undefined {
  if (text.length > MAX_LENGTH) {
    return { position: { line: 1, column: 1 }, message: `${what} is larger than ${MAX_LENGTH / 1024} KiB` };
  }
  let line = 1;
  let flow = 0;
  let indicators = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "[" || token === "{") flow++;
    else if (token === "]" || token === "}") flow--;
    else if (token === "-" || token === "?" || token === ":") indicators++;
    else if (token.includes("\n")) {
      line += token.split("\n").length - 1;
      indicators = 0;
    }
    if (flow > MAX_DEPTH || (flow === 0 && indicators > MAX_DEPTH)) {
      return { position: { line, column: 1 }, message: `collections nest more than ${MAX_DEPTH} deep` };
    }
  }
  return undefined;
}
