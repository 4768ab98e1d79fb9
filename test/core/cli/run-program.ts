import { spawnSync } from "node:child_process";
import path from "node:path";
import { repoRoot } from "../../kit/paths.js";

/** What a program printed and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of the programs as built by the compiler, without the caller's own Teleport settings. */
export function runBuilt(
  name: "teleport" | "tctl" | "tsh",
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Outcome {
  const script = path.join(repoRoot, "dist", "core", "bin", `${name}.js`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...environment },
  });
  return { code: status, stdout, stderr };
}
