/** How the end of a program is told: to the client (RFC 4254 §6.10), and to the audit log. */
import { constants } from "node:os";
import type { SshChannel } from "../ssh/contract.js";
import type { ExitStatus } from "./session-process.js";

/** Signals that RFC 4254 §6.9 names. */
export const SSH_SIGNALS = new Set([
  ...["ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL"],
  ...["PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"],
]);

/** Sends `exit-status`, or `exit-signal` for a signal that SSH has a name for. Signals without one become 128+n. */
export function reportExit(channel: SshChannel, status: ExitStatus): void {
  if ("code" in status) {
    channel.exitStatus(status.code);
    return;
  }
  const name = status.signal.replace(/^SIG/, "");
  if (SSH_SIGNALS.has(name)) channel.exitSignal(name, false, "");
  else channel.exitStatus(exitCode(status));
}

/** The exit code as a shell would give it. */
export function exitCode(status: ExitStatus): number {
  return "code" in status ? status.code : 128 + constants.signals[status.signal];
}

/** The `exitError` of an audit event; undefined after a success. */
export function exitError(status: ExitStatus): string | undefined {
  if ("signal" in status) return `signal: ${status.signal}`;
  return status.code === 0 ? undefined : `exit status ${status.code}`;
}
