import type { PositionedScalar } from "./positioned.js";
import { parseBoolean } from "../grammar/boolean.js";

/** The value of an unquoted scalar by YAML 1.2's core rules; `yes` and `on` stay text until a boolean is asked for. */
export function plainScalar(text: string): string | number | boolean | null {
  if (/^(?:|~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^(?:[-+]?\d+|0o[0-7]+|0x[\da-fA-F]+)$/.test(text)) return Number(text);
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text);
  return text;
}

/**
 * Another reading of a scalar that a schema refused, or undefined where there is none: text where text is expected
 * (a label `1.0` is the text `1.0`, not 1), `yes` and `on` where a boolean is.
 */
export function rereadScalar(scalar: PositionedScalar, expected: string): string | boolean | undefined {
  if (expected === "string" && (typeof scalar.value === "number" || typeof scalar.value === "boolean")) {
    return scalar.text;
  }
  if (expected === "boolean" && typeof scalar.value === "string") {
    try {
      return parseBoolean(scalar.value);
    } catch {
      return undefined;
    }
  }
  return undefined;
}
