import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { partialPath } from "./durable-file.js";
import { isProcessIdentity, isRunning, thisProcess } from "./process-identity.js";

/**
 * Takes the right to upload a session's recording among the processes of this host: two of them run during a restart.
 * Returns the function that gives it back, or undefined where a running process has it. A dead holder loses it.
 */
export async function acquireUploadLock(
  directory: string,
  sessionId: string,
): Promise<(() => Promise<void>) | undefined> {
  const path = join(directory, `${sessionId}.uploading`);
  const release = (): Promise<void> => rm(path, { force: true });
  if (await tryLock(path)) return release;
  if (await isHeld(path)) return undefined;
  await release();
  return (await tryLock(path)) ? release : undefined;
}

/** The name appears with the holder already in the file, so that no reader takes it for a dead one's. */
async function tryLock(path: string): Promise<boolean> {
  const partial = partialPath(path);
  try {
    await writeFile(partial, JSON.stringify(thisProcess()), { flag: "wx", mode: 0o600 });
    await link(partial, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
}

async function isHeld(path: string): Promise<boolean> {
  try {
    const holder: unknown = JSON.parse(await readFile(path, "utf8"));
    return isProcessIdentity(holder) && isRunning(holder);
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
