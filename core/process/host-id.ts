import { randomUUID } from "node:crypto";
import { link, open, readFile, unlink } from "node:fs/promises";
import path from "node:path";
import { corrupt } from "../errors/error.js";
import { isUuid } from "../grammar/uuid.js";

const FILE = "host_uuid";

/**
 * The host's UUID, kept in `<data_dir>/host_uuid` (0400, no newline) and made at the first start.
 *
 * The file appears whole or not at all, and of two processes that start at once both get the same value. Throws
 * `corrupt` where the file holds something else: identities and audit folders are named by it.
 */
export async function openHostId(dataDir: string): Promise<string> {
  const file = path.join(dataDir, FILE);
  const existing = await readHostId(file);
  if (existing) return existing;

  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, "wx", 0o400);
  try {
    await handle.writeFile(randomUUID());
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(draft);
  }
  const made = await readHostId(file);
  if (!made) throw corrupt(`${file} vanished while it was written`);
  return made;
}

async function readHostId(file: string): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(file, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (!isUuid(text))
    throw corrupt(`${file} holds no UUID: restore it from a backup, or remove it to join anew`);
  return text;
}
