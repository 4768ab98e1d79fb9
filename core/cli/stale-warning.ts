import { terminalText } from "./terminal-text.js";

/**
 * Warns on stderr where what was shown is not of now: the auth server's storage is away, and it has answered from a
 * replica.
 */
export function warnOfStaleState(since: Date | undefined): void {
  if (since === undefined) return;
  const time = terminalText(since.toISOString());
  process.stderr.write(
    `WARNING: the cluster's storage is away. This is the state of ${time}; nothing can be changed until it is back.\n`,
  );
}
