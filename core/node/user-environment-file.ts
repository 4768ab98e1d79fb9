/** `~/.tsh/environment` on a node: a user's own variables, read where `permit_user_env` is set. */
import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { accessDenied, errorMessage } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";
import type { Account } from "./account.js";

const MAX_LINES = 1000;
const MAX_BYTES = 256 * 1024;
const GROUP_OR_OTHER_WRITE = 0o022;

/**
 * Reads the file of an account; none where there is none. One that others could have written is ignored, which the log
 * says.
 */
export async function readUserEnvironmentFile(
  account: Pick<Account, "name" | "uid" | "home">,
  log: Logger,
): Promise<Map<string, string>> {
  const path = join(account.home, ".tsh", "environment");
  try {
    // Links are not followed and pipes not waited for, since the daemon opens the file as root.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      await checkOwner(file, account);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
      return parseUserEnvironment(buffer.toString("utf8", 0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      log.warn("a user's environment file is ignored", {
        login: account.name,
        path,
        error: errorMessage(error),
      });
    }
    return new Map();
  }
}

async function checkOwner(
  file: FileHandle,
  { name, uid, home }: Pick<Account, "name" | "uid" | "home">,
): Promise<void> {
  const stats = await file.stat();
  const { mode, uid: owner, nlink } = stats;
  if (!stats.isFile()) throw accessDenied("it is not a regular file");
  if ((mode & GROUP_OR_OTHER_WRITE) !== 0) {
    throw accessDenied("others can write to it; fix it with chmod go-w");
  }
  if (owner === uid) return;
  // A root's file that a link has led to is not meant for this user.
  const here = join(await realpath(home), ".tsh", "environment");
  const isMeant = nlink === 1 && (await readlink(`/proc/self/fd/${file.fd}`)) === here;
  if (owner !== 0 || !isMeant) throw accessDenied(`it belongs neither to ${name} nor to root`);
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
