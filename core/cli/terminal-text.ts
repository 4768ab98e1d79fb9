/** Text of other parties (host names, labels, messages) on its way to a terminal. */

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Escapes control characters, which could move the cursor, forge lines or reprogram the terminal. */
export function terminalText(text: string): string {
  return text.replace(CONTROL, escaped);
}

/** The text itself, or in quotes with escapes where it holds control characters, as 4.2 prints error messages. */
export function quotedWhereNeeded(text: string): string {
  CONTROL.lastIndex = 0;
  return CONTROL.test(text) ? terminalText(JSON.stringify(text)) : text;
}
