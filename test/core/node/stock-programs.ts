/** Running the programs of other people. */
import { spawn, spawnSync } from "node:child_process";

/** What a finished client printed. */
export interface ClientResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to the end. */
export function run(
  program: string,
  args: readonly string[],
  input: string | Buffer = "",
  env: NodeJS.ProcessEnv = process.env,
): Promise<ClientResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env });
    const stdout: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
  });
}

/** Skips the suite, saying why, where programs are missing; in CI that is a failure. */
export function needPrograms(suite: Mocha.Context, ...programs: string[]): void {
  const missing = programs.filter((program) => spawnSync("which", [program]).status !== 0);
  if (missing.length === 0) return;
  if (process.env["CI"] === "true") throw new Error(`missing programs: ${missing.join(", ")}`);
  console.log(`      skipped: ${missing.join(", ")} not installed`);
  suite.skip();
}
