/** C0, DEL, C1, and the two separators that some readers take for ends of lines. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const EVERY_CONTROL = new RegExp(CONTROL, "g");

/** Whether a text holds characters that move a cursor, forge lines or reprogram a terminal. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** Writes control characters as `\uXXXX`, which makes a text of other parties safe for a log line or a terminal. */
export function escapeControl(text: string): string {
  return text.replace(EVERY_CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
