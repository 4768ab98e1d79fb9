import { badParameter } from "../errors/error.js";
import { isUuid } from "../grammar/uuid.js";

/** Whether `text` is a session id: a lower-case UUID, and so always safe as part of a file name. */
export function isSessionId(text: string): boolean {
  return isUuid(text);
}

/** Throws `bad_parameter` unless `text` is a session id. */
export function checkSessionId(text: string): void {
  if (!isSessionId(text)) {
    throw badParameter(`${JSON.stringify(text.slice(0, 64))} is not a valid session ID (must be GUID)`);
  }
}
