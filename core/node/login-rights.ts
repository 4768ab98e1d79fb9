/**
 * Whom the peers of a listening socket see: the kernel shows them the rights that the listener was opened with.
 *
 * Only the calling thread takes these rights on, and only within one turn of it. Nothing that reaches a file system may be
 * done so: it could block the daemon (see login-sockets.ts).
 */
import { unavailable } from "../errors/error.js";
import type { Account } from "./account.js";
import { threadCredentials } from "./libc.js";

/**
 * Runs `work` with the ids of an account. It must be done when it returns: nothing asynchronous in it has these rights.
 * A daemon that is not root has no other rights than its login's. Throws `unavailable` where rights cannot be changed.
 */
export function withRightsOf<T>({ uid, gid }: Account, work: () => T): T {
  if (process.geteuid?.() !== 0 || uid === 0) return work();
  const { setGroups, setUid, setGid } = threadCredentials();
  const own = { gid: process.getegid?.() ?? 0, groups: process.getgroups?.() ?? [] };
  try {
    if (!(setGroups([gid]) && setGid(gid) && setUid(uid))) {
      throw unavailable("cannot take on the rights of a login on this host");
    }
    return work();
  } finally {
    // A daemon whose thread has lost its rights must not go on.
    if (!(setUid(0) && setGid(own.gid) && setGroups(own.groups))) process.abort();
  }
}
