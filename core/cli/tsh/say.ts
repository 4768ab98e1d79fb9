/** Lines to the user beside a session's output. */

/** Writes a line to stderr; in raw mode the terminal does not return to the first column by itself. */
export function say(message: string): void {
  process.stderr.write(`${message}${process.stdin.isRaw ? "\r\n" : "\n"}`);
}

/** Writes a warning to stderr. */
export function warn(message: string): void {
  say(`${process.stderr.isTTY ? "\u001b[1mWARNING\u001b[0m" : "WARNING"}: ${message}`);
}
