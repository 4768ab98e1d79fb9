import { badParameter } from "../errors/error.js";

/** Throws `bad_parameter` for a text with control characters, which would be shown on terminals and in logs. */
export function requirePrintable(what: string, text: string): void {
  if (/\p{Cc}/u.test(text)) {
    throw badParameter(`${what} must not hold control characters: ${JSON.stringify(text.slice(0, 64))}`);
  }
}
