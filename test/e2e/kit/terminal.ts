/** Runs a program on a terminal of its own, and answers it. */
import { run, type Outcome } from "./programs.js";

/** What the program says, as a regular expression of Tcl, and what is typed then: a line, or keys without Return. */
export type Turn = readonly [pattern: string, answer: string | { readonly keys: string }];

/**
 * Runs `command` (one line of a shell-like syntax, without quoting beyond Tcl's) until it ends; returns what the
 * terminal showed. The exit code is the program's; 98 where it ended, 99 where it fell silent before its turn.
 */
export function onTerminal(
  command: string,
  dialogue: readonly Turn[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const script = [
    "set timeout 20",
    `spawn ${command}`,
    ...dialogue.flatMap(([pattern, answer]) => [
      "expect {",
      `  -re {${pattern}} {}`,
      "  timeout {exit 99}",
      "  eof {exit 98}",
      "}",
      ...(typeof answer === "string" ? [`send -- {${answer}}`, `send "\\r"`] : [`send -- {${answer.keys}}`]),
    ]),
    "expect eof",
    "catch wait result",
    "exit [lindex $result 3]",
    "",
  ];
  return run("expect", ["-f", "-"], { input: script.join("\n"), env: { ...env, TERM: "xterm" } });
}
