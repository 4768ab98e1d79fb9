/** The folder of logins, `~/.tsh`, and the names that may become paths in it. */
import { mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { badParameter } from "../../errors/error.js";

/** `TELEPORT_HOME`, else `.tsh` in `HOME`, else `.tsh` in the home directory of the passwd entry. */
export function tshDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return env["TELEPORT_HOME"] || join(env["HOME"] || userInfo().homedir, ".tsh");
}

/** Creates a folder of the layout, and those above it, that only its owner may enter. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** A host or user name as part of a path. Throws `bad_parameter` for one that would leave its folder. */
export function pathSegment(name: string): string {
  if (!/^[^./\0][^/\0]*$/.test(name))
    throw badParameter(`${JSON.stringify(name)} cannot be used as a file name`);
  return name;
}
