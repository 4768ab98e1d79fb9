/** Measures what users wait for: `teleport start` on an existing data folder, its memory when idle, `tsh` and `tctl`. */
import { cpus } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { startDaemon } from "../test/e2e/kit/daemon.js";
import { ours, succeed } from "../test/e2e/kit/programs.js";
import { residentBytes } from "./process-cpu.js";

const STARTS = 5;
const RUNS = 10;
const IDLE_MS = 10_000;
const BUDGETS = { startMs: 2_000, idleMb: 150, commandMs: 60 };

interface Judged {
  readonly value: number;
  readonly budget: number;
  readonly met: boolean;
}

const judge = (value: number, budget: number): Judged => ({
  value: Math.round(value),
  budget,
  met: value <= budget,
});

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/** The median of a program, its runs taking turns with those of `node -e 0`, which is taken off. */
async function overNode(program: "tsh" | "tctl"): Promise<number> {
  const bare: number[] = [];
  const whole: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    bare.push(await timed(() => succeed(process.execPath, ["-e", "0"])));
    whole.push(await timed(() => succeed(ours(program), ["version"])));
  }
  return median(whole) - median(bare);
}

async function measureDaemon(): Promise<{ startMs: number; idleMb: number }> {
  const daemon = await startDaemon();
  try {
    const starts: number[] = [];
    for (let i = 0; i < STARTS; i++) {
      await daemon.stop();
      starts.push(await timed(() => daemon.restart()));
    }
    await pause(IDLE_MS);
    return { startMs: median(starts), idleMb: residentBytes(daemon.child.pid ?? 0) / 1e6 };
  } finally {
    await daemon.remove();
  }
}

const { startMs, idleMb } = await measureDaemon();
const result = {
  benchmark: "startup",
  node: process.version,
  cpus: cpus().length,
  /** From the start of the process to the line that all services are ready. */
  startMs: judge(startMs, BUDGETS.startMs),
  /** Resident memory of an all-in-one daemon, 10 s after its start. */
  idleMb: judge(idleMb, BUDGETS.idleMb),
  tshVersionMsOverNode: judge(await overNode("tsh"), BUDGETS.commandMs),
  tctlVersionMsOverNode: judge(await overNode("tctl"), BUDGETS.commandMs),
};
console.log(JSON.stringify(result, undefined, 2));
