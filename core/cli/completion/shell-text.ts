/** A text as one word of bash, zsh or fish. */
export function quoted(text: string): string {
  // Between single quotes, fish also reads \\' and \\\\; a quote is therefore written outside of them.
  return `'${text.replaceAll("\\", "").replaceAll("'", `'"'"'`)}'`;
}
