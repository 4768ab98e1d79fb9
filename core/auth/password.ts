import bcrypt from "bcrypt";
import { badParameter } from "../errors/error.js";

const COST = 10;
const MIN_BYTES = 6;
/** bcrypt leaves out what comes after. */
const MAX_BYTES = 72;
/** 4.2 took new passwords up to this. */
const MAX_VERIFIED_BYTES = 128;

/** The hash of a password nobody knows: compared against where there is no user, so that both cases take as long. */
const NOBODYS_HASH = "$2a$10$TpvJZEDwSK/.LRcDGKyYmOf0X4f1BJVf7wqKeO7nf7pwNpZUdiIYq";

/** Throws `bad_parameter` for a new password that is too short or too long. */
export function requirePasswordLength(password: string): void {
  const bytes = Buffer.byteLength(password);
  if (bytes < MIN_BYTES) {
    throw badParameter(`password is too short, min length is ${MIN_BYTES}`);
  }
  if (bytes > MAX_BYTES) {
    throw badParameter(`password is too long, max length is ${MAX_BYTES} bytes`);
  }
}

/** Hashes a password in the form that 4.2 writes: `$2a$10$…`. Runs outside the event loop. */
export async function hashPassword(password: string): Promise<string> {
  requirePasswordLength(password);
  return bcrypt.hash(password, await bcrypt.genSalt(COST, "a"));
}

/**
 * Whether the password belongs to the hash. Takes as long where there is no hash, and is then false. Runs outside the
 * event loop.
 */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  // `$2y$` is PHP's name for the same algorithm; the library knows only `$2a$` and `$2b$`.
  const known = (hash ?? NOBODYS_HASH).replace(/^\$2y\$/, "$2b$");
  const tooLong = Buffer.byteLength(password) > MAX_VERIFIED_BYTES;
  const matches = await bcrypt.compare(tooLong ? "" : password, known);
  return matches && hash !== undefined && !tooLong;
}
