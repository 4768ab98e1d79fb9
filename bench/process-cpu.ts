import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat after the command name: utime, stime, cutime, cstime. */
const CPU_FIELDS = [11, 12, 13, 14];
const PARENT_FIELD = 1;

/** CPU seconds of a process and its children, those that have ended included, once no child is left. */
export async function settledCpuSeconds(pid: number): Promise<number> {
  while (readdirSync("/proc").some((entry) => parentOf(entry) === pid)) await pause(10);
  const fields = statFields(String(pid));
  return CPU_FIELDS.reduce((sum, i) => sum + Number(fields[i]), 0) / TICKS_PER_SECOND;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

function parentOf(entry: string): number | undefined {
  if (!/^\d+$/.test(entry)) return undefined;
  try {
    return Number(statFields(entry)[PARENT_FIELD]);
  } catch {
    // The process has ended meanwhile.
    return undefined;
  }
}

function statFields(pid: string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
