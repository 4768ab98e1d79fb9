import { open, writeFile, type FileHandle } from "node:fs/promises";
import type { Clock, Logger } from "@teleport/plugin";

const NEWLINE = 0x0a;
const BLOCK_BYTES = 64 * 1024;
/** A process that is just writing the line (two run during a restart) has finished it by then. */
const SETTLE_MS = 250;

/**
 * Mends a file whose last line has no end, which a crash leaves: a line that is whole gets its newline; a torn one is
 * moved to `<file>.torn-<time>`, so that it neither hides nor swallows the events behind it. Both are logged.
 */
export async function repairLastLine(path: string, clock: Clock, log: Logger): Promise<void> {
  const file = await open(path, "r+");
  try {
    const size = await unfinishedSize(file);
    if (size === undefined) return;
    await clock.sleep(SETTLE_MS);
    if ((await unfinishedSize(file)) !== size) return;
    const start = await lastLineStart(file, size);
    const { buffer } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    if (isJson(buffer)) {
      await file.write("\n", size);
      log.warn("the audit log ended in a line without its newline, which was added", { path });
    } else {
      const kept = `${path}.torn-${clock.now().toISOString()}`;
      await writeFile(kept, buffer, { flag: "wx", mode: 0o600, flush: true });
      await file.truncate(start);
      log.warn("the audit log ended in a torn line, which was moved aside", {
        path,
        kept,
        bytes: buffer.length,
      });
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The size of a regular file that does not end in a newline; undefined where there is nothing to mend. */
async function unfinishedSize(file: FileHandle): Promise<number | undefined> {
  const stats = await file.stat();
  if (!stats.isFile() || stats.size === 0) return undefined;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, stats.size - 1);
  return buffer[0] === NEWLINE ? undefined : stats.size;
}

async function lastLineStart(file: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    const newline = buffer.lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

function isJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
