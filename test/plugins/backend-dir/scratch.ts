import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fresh directory for one test, and what removes it. */
export async function scratchDirectory(): Promise<{ directory: string; remove: () => Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), "teleport-dir-"));
  return { directory: join(parent, "backend"), remove: () => rm(parent, { recursive: true, force: true }) };
}
