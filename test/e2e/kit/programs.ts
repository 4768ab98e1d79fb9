/** Runs programs as a user would: our built ones by their launchers, others from the PATH. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import path from "node:path";
import { repoRoot } from "../../kit/paths.js";

/** How a program ended. */
export interface Outcome {
  /** The exit code, or 128 + n where signal n ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of a run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What the program reads; it gets an empty input otherwise. */
  readonly input?: string | Buffer;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** The launcher of one of our programs, as `npm ci` links it. */
export const ours = (name: "teleport" | "tctl" | "tsh"): string =>
  path.join(repoRoot, "node_modules", ".bin", name);

/** Runs a program to its end. A time-out kills it and fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  return outcome(child, `${command} ${args.join(" ")}`, options.timeoutMs ?? 60_000);
}

/** Like {@link run}, but any exit code other than 0 fails with what the program said. Returns its stdout. */
export async function succeed(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

async function outcome(child: ChildProcess, name: string, timeoutMs: number): Promise<Outcome> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${name} did not end within ${timeoutMs} ms: ${Buffer.concat(stderr).toString()}`));
    }, timeoutMs);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        code: code ?? 128 + (signal === "SIGKILL" ? 9 : 15),
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

/**
 * Skips a suite, with a printed reason, where a program is missing; under CI a missing program is a failure. Call it
 * from a `before` hook.
 */
export function needProgram(context: Mocha.Context, ...names: string[]): void {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const missing = names.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`], { env }).status !== 0);
  if (missing.length === 0) return;
  const reason = `${missing.join(", ")} is not installed`;
  if (process.env.CI) throw new Error(reason);
  console.log(`      skipped: ${reason}`);
  context.skip();
}
