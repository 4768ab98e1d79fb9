import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Syncs a directory, so that names just made or removed in it survive a power loss. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A name beside `path` for a file that is renamed to it when whole; see {@link isPartialName}. */
export function partialPath(path: string): string {
  return join(dirname(path), `${basename(path)}.${randomBytes(6).toString("hex")}.partial`);
}

/** Whether a file name is that of a file never finished. */
export function isPartialName(name: string): boolean {
  return /\.[0-9a-f]{12}\.partial$/.test(name);
}

/** Writes a small file whole or not at all (0640). The caller syncs the directory. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const partial = partialPath(path);
  try {
    const file = await open(partial, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
