import { readFileSync } from "node:fs";

/** Names one process of one boot of this machine, so that a reused pid is not taken for its predecessor. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot; absent where the system has no /proc. */
  readonly startTicks?: string | undefined;
  readonly bootId?: string | undefined;
}

/** The identity of this process. */
export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, startTicks: startTicks(process.pid), bootId: bootId() };
}

/** Whether the process still runs. Where that cannot be told from a reused pid, it is said to run. */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.bootId !== undefined && identity.bootId !== bootId()) return false;
  if (identity.startTicks !== undefined) return startTicks(identity.pid) === identity.startTicks;
  try {
    process.kill(identity.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Whether a value read from a file is an identity. */
export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  const { pid, startTicks, bootId } = (value ?? {}) as Partial<Record<keyof ProcessIdentity, unknown>>;
  return (
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    (startTicks === undefined || typeof startTicks === "string") &&
    (bootId === undefined || typeof bootId === "string")
  );
}

function startTicks(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  // The command name may hold spaces and parentheses: fields are counted behind its last ")".
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields?.[0];
  return state === "Z" || state === "X" ? undefined : fields?.[19];
}

function bootId(): string | undefined {
  return readProc("/proc/sys/kernel/random/boot_id")?.trim();
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
