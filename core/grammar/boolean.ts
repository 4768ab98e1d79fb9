import { badParameter } from "../errors/error.js";

const TRUE = new Set(["yes", "yeah", "y", "true", "1", "on"]);
const FALSE = new Set(["no", "nope", "n", "false", "0", "off"]);

/** Reads a bool-ish text (`yes`, `on`, `true`, `1`, `no`, `off` …), in any letter case. Throws `bad_parameter`. */
export function parseBoolean(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  throw badParameter(`invalid boolean '${text}', expected 'yes' or 'no'`);
}
