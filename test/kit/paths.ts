import { chmod, cp, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the clone: tests run from dist/test/kit. */
export const repoRoot = fileURLToPath(new URL("../../..", import.meta.url));

/** A file or folder of test/fixtures. */
export const fixture = (...parts: string[]): string => path.join(repoRoot, "test", "fixtures", ...parts);

/** Makes a private temporary folder and returns it with the function that removes it. */
export async function temporaryFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "teleport-test-"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Copies a fixture into a private folder with modes that a careful administrator would choose. */
export async function privateCopy(source: string, folder: string): Promise<string> {
  const target = path.join(folder, path.basename(source));
  await cp(source, target, { recursive: true });
  await chmod(target, 0o600);
  return target;
}
