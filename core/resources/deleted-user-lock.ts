import { createHash } from "node:crypto";
import { isKeySegment } from "./keys.js";

/** How the names of deleted users' locks begin: there may be one for every user that a cluster ever had. */
export const DELETED_USER_LOCK_PREFIX = "deleted-user:";

/** The first name beyond them: in the alphabet of keys, `@` is what follows `:`. */
export const AFTER_DELETED_USER_LOCKS = "deleted-user@";

/** The name of a deleted user's lock; there is one for each name that a user had. */
export function deletedUserLockName(user: string): string {
  const plain = DELETED_USER_LOCK_PREFIX + user;
  // A prefix of its own, since a user may be named like the digest of another's name.
  return isKeySegment(plain) ? plain : `deleted-long-user:${createHash("sha256").update(user).digest("hex")}`;
}
