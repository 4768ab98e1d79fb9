import { badParameter } from "../errors/error.js";
import { escapeControl } from "./control-characters.js";

// OpenSSH matches host principals as patterns, so `*`, `?` and `!` would speak for other hosts.
const NAME = /^[A-Za-z0-9_:%[\]](?:[A-Za-z0-9._:%[\]-]*)$/;
/** RFC 1035 §2.3.4, less the length octets. */
const MAX_LENGTH = 253;

/**
 * Checks a name or address of a host, which host certificates carry and clients look up, and returns it as it is.
 * `what` says whose name it is, in front of the message. Throws `bad_parameter`.
 */
export function checkHostName(name: string, what = ""): string {
  if (NAME.test(name) && name.length <= MAX_LENGTH) return name;
  const subject = `${what}${what && " "}${escapeControl(JSON.stringify(name))}`;
  throw badParameter(
    `${subject} cannot be a name of a host: names have no wildcards, spaces or commas, and at most ${MAX_LENGTH} characters`,
  );
}
