/** `~/.tsh/environment` on a node: a user's own variables, read where `permit_user_env` is set. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

const MAX_LINES = 1000;
const MAX_BYTES = 256 * 1024;

/**
 * Reads the file below a home directory; none where there is no such regular file. Its content goes to that user's own
 * processes only, but the daemon reads it as root, so links are not followed.
 */
export async function readUserEnvironmentFile(home: string): Promise<Map<string, string>> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(join(home, ".tsh", "environment"), flags);
    try {
      if (!(await file.stat()).isFile()) return new Map();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      return parseUserEnvironment(buffer.toString("utf8", 0, bytesRead));
    } finally {
      await file.close();
    }
  } catch {
    return new Map();
  }
}

/** Parses lines of `NAME=value`; blank lines and `#` comments are passed over, as are lines past the 1000th. */
export function parseUserEnvironment(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const raw of text.split("\n", MAX_LINES)) {
    const line = raw.trim();
    const equals = line.indexOf("=");
    if (line.startsWith("#") || equals <= 0) continue;
    variables.set(line.slice(0, equals).trim(), line.slice(equals + 1));
  }
  return variables;
}
