import { chmod, mkdir, open, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { badParameter, errorMessage, unavailable, type Logger } from "@teleport/plugin";

/** The database's name in its directory, as 4.2 has it. */
const FILE_NAME = "sqlite.db";

/**
 * Makes sure that the database file exists and that it and its directory belong to this process's user alone, and
 * returns its path. Looser modes, which 4.2 leaves behind, are tightened with a warning; another owner is refused.
 */
export async function prepareDatabaseFile(directory: string, log: Logger): Promise<string> {
  const file = join(directory, FILE_NAME);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await tighten(directory, 0o700, log);
    let handle: FileHandle | undefined;
    try {
      handle = await open(file, "a", 0o600);
    } finally {
      await handle?.close();
    }
    // SQLite gives the write-ahead log beside it the same mode.
    await tighten(file, 0o600, log);
    for (const suffix of ["-wal", "-shm", "-journal"]) {
      await tighten(file + suffix, 0o600, log).catch(ignoreMissing);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) {
      throw error;
    }
    throw unavailable(`${file} cannot be opened: ${errorMessage(error)}; check ${dirname(directory)}`, {
      cause: error,
    });
  }
  return file;
}

async function tighten(path: string, mode: number, log: Logger): Promise<void> {
  // Follows links: who may change one here owns the data directory already.
  const { mode: was, uid } = await stat(path);
  const user = process.geteuid?.();
  if (user !== undefined && uid !== user) {
    throw badParameter(`${path} belongs to another user; run: chown -R ${user} ${path}`);
  }
  if ((was & 0o777 & ~mode) !== 0) {
    await chmod(path, was & mode);
    log.warn("other users could enter or read this path; its mode has been tightened", {
      path,
      was: octal(was),
    });
  }
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
    throw error;
  }
}
