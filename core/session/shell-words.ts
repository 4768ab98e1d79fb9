/** Takes a simple POSIX shell command apart into its words, for recognising it; running it is the shell's work. */

/**
 * The words of a command, with quotes and backslashes removed, or undefined where the command is more than one simple
 * command (pipes, lists, substitutions, redirections): what that does cannot be told from its text.
 */
export function shellWords(command: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  while (at < command.length) {
    const character = command.charAt(at);
    if (character === "'") {
      const end = command.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word = (word ?? "") + command.slice(at + 1, end);
      at = end + 1;
    } else if (character === '"') {
      const quoted = readDoubleQuotes(command, at + 1);
      if (quoted === undefined) return undefined;
      word = (word ?? "") + quoted.text;
      at = quoted.next;
    } else if (character === "\\") {
      if (at + 1 >= command.length) return undefined;
      word = (word ?? "") + command.charAt(at + 1);
      at += 2;
    } else if (/[ \t]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at += 1;
    } else if (/[;&|<>()$`\n\r]/.test(character)) {
      return undefined;
    } else {
      word = (word ?? "") + character;
      at += 1;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function readDoubleQuotes(command: string, start: number): { text: string; next: number } | undefined {
  let text = "";
  for (let at = start; at < command.length; at++) {
    const character = command.charAt(at);
    if (character === '"') return { text, next: at + 1 };
    if (character === "$" || character === "`") return undefined;
    if (character === "\\" && /[$`"\\]/.test(command.charAt(at + 1))) at += 1;
    text += command.charAt(at);
  }
  return undefined;
}
