/** The state of everything that a build reads, to tell whether what was built is still what would be. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { root } from "./run.mjs";

/** Where a build leaves the stamp of what it read. */
export const STAMP_FILE = path.join(root, "dist", "bin", ".stamp");
/** Folders and files that go into the bundles; node_modules is what the lock file says. */
const INPUTS = ["core", "plugins", "scripts", "package.json", "package-lock.json", "tsconfig.json"];

/** A digest over names, sizes and times of all inputs: a file that is deleted changes it, too. */
export function buildStamp(folder = root) {
  const hash = createHash("sha256");
  for (const file of INPUTS.flatMap((input) => filesIn(folder, input)).sort()) {
    const { size, mtimeMs } = statSync(path.join(folder, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/** Whether the last build ended well, and nothing that it read has changed since. */
export function isBuilt() {
  return existsSync(STAMP_FILE) && readFileSync(STAMP_FILE, "utf8") === buildStamp();
}

function filesIn(folder, input) {
  if (!existsSync(path.join(folder, input))) return [];
  if (!statSync(path.join(folder, input)).isDirectory()) return [input];
  return readdirSync(path.join(folder, input), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}
