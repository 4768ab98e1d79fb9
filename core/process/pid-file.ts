import { writeFile } from "node:fs/promises";
import { unavailable } from "../errors/error.js";

/** Writes the process id, as decimal digits without a newline. Throws `unavailable`. */
export async function writePidFile(file: string): Promise<void> {
  try {
    await writeFile(file, String(process.pid), { mode: 0o644 });
  } catch (cause) {
    throw unavailable(`cannot write the pid file ${file}: ${(cause as Error).message}`, { cause });
  }
}
