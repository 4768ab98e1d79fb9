/** Several terminals side by side, played by one script of expect. */
import { run, type Outcome } from "./programs.js";

/**
 * Runs the lines of `script`. The script keeps the `$spawn_id` of each `spawn`, waits with `see ID PATTERN` for what a
 * terminal shows, and with `gone ID` for its end. The exit code is 0; 99, 98 or 97 where a wait failed.
 */
export function onTerminals(
  script: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return run("expect", ["-f", "-"], {
    input: [
      "set timeout 30",
      'proc see {who pattern} { expect -i $who -re $pattern {} timeout {puts "no $pattern"; exit 99} eof {puts "eof before $pattern"; exit 98} }',
      'proc gone {who} { expect -i $who eof {} timeout {puts "still there"; exit 97} }',
      ...script,
      "exit 0",
      "",
    ].join("\n"),
    env: { TERM: "xterm", ...env },
  });
}
