/** Signals to the process group that each program of a session is the leader of. */

/** How long a program may take to end after a hang-up. */
export const HANG_UP_GRACE_MS = 5_000;

/** Signals a process group that may have gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Hangs up on a process group, and kills it after {@link HANG_UP_GRACE_MS} unless `exited` comes first. */
export function hangUpGroup(pid: number, exited: Promise<unknown>): void {
  signalGroup(pid, "SIGHUP");
  signalGroup(pid, "SIGCONT");
  const timer = setTimeout(() => signalGroup(pid, "SIGKILL"), HANG_UP_GRACE_MS);
  timer.unref();
  void exited.then(() => clearTimeout(timer));
}
