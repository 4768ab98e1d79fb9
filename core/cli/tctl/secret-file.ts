import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { errorMessage, unavailable } from "../../errors/error.js";
import { systemErrorText } from "../../errors/system-error.js";

/**
 * Writes a file that only its owner may read (0600), replacing one of that name. It appears whole or not at all, and is
 * never readable by others, whatever the mode of the replaced file was. Throws `unavailable`.
 */
export async function writeSecretFile(file: string, content: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw unavailable(`cannot write ${file}: ${systemErrorText(cause) ?? errorMessage(cause)}`, { cause });
  }
}
