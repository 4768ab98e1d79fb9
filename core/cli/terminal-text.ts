/** Text of other parties (host names, labels, messages) on its way to a terminal. */

import { escapeControl, hasControl } from "../grammar/control-characters.js";

/** Escapes control characters, which could move the cursor, forge lines or reprogram the terminal. */
export function terminalText(text: string): string {
  return escapeControl(text);
}

/** The text itself, or in quotes with escapes where it holds control characters, as 4.2 prints error messages. */
export function quotedWhereNeeded(text: string): string {
  return hasControl(text) ? escapeControl(JSON.stringify(text)) : text;
}
