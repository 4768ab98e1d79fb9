import { badParameter } from "../errors/error.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether `text` is a session id: a lower-case UUID, and so always safe as part of a file name. */
export function isSessionId(text: string): boolean {
  return UUID.test(text);
}

/** Throws `bad_parameter` unless `text` is a session id. */
export function checkSessionId(text: string): void {
  if (!isSessionId(text)) {
    throw badParameter(`${JSON.stringify(text.slice(0, 64))} is not a valid session ID (must be GUID)`);
  }
}
