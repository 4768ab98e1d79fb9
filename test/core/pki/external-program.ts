import { spawnSync } from "node:child_process";

/** Runs a program to its end; throws with its stderr where it fails. */
export function run(program: string, args: readonly string[], input?: string): string {
  const result = spawnSync(program, args, { input: input ?? "", encoding: "utf8" });
  if (result.status !== 0) {
    throw new Error(`${program} ${args.join(" ")}: ${result.error?.message ?? result.stderr}`);
  }
  return result.stdout;
}

/** Skips the suite where a program is missing; in CI that is a failure instead. */
export function needProgram(context: Mocha.Context, program: string): void {
  if (spawnSync("which", [program]).status === 0) {
    return;
  }
  if (process.env["CI"] === "true") {
    throw new Error(`${program} is not installed`);
  }
  console.log(`      skipped: ${program} is not installed`);
  context.skip();
}
