/** Text of another party as it may reach the terminal: control characters, which could drive it, become `?`. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}
