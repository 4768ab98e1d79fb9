/** The default PATH of a session, from login.defs(5). */
import { readFileSync } from "node:fs";

const FALLBACK = "/bin:/usr/bin:/usr/local/bin:/sbin";

/** The PATH for a user id: ENV_SUPATH for root, ENV_PATH for all others. */
export function searchPath(uid: number, file = "/etc/login.defs"): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return FALLBACK;
  }
  const key = uid === 0 ? "ENV_SUPATH" : "ENV_PATH";
  for (const line of text.split("\n")) {
    const match = /^\s*(ENV_SUPATH|ENV_PATH)\s+(?:PATH=)?(\S+)\s*$/.exec(line);
    if (match?.[1] === key && match[2] !== undefined) return match[2];
  }
  return FALLBACK;
}
