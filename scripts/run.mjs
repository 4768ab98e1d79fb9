/** Runs programs for the other scripts: output goes to the terminal, a failure ends the script with its code. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The folder of the clone. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Runs a program in the clone's folder and returns its exit code (1 where a signal ended it). */
export function run(command, args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  if (result.error) throw new Error(`cannot run ${command}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Like {@link run}, but a failure ends the script. */
export function mustRun(command, args, env) {
  const code = run(command, args, env);
  if (code !== 0) process.exit(code);
}

/** Whether a program is on the PATH or in the folders where Debian keeps daemons. */
export function hasProgram(name) {
  const search = `${process.env.PATH}:/usr/sbin:/sbin:/usr/lib/openssh`;
  return (
    spawnSync("sh", ["-c", `command -v ${name}`], { env: { ...process.env, PATH: search } }).status === 0
  );
}
