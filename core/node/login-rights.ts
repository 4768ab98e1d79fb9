/**
 * Doing one thing with the rights of a login, inside the daemon: opening and removing Unix sockets for forwarding.
 *
 * Only the calling thread takes these rights on, and only within one turn of it. Effective ids are what file access is checked
 * by and what the peer of a socket sees, so a login gets no further than its own programs would: not past file modes,
 * nor as root to a service that asks who connects.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { unavailable } from "../errors/error.js";
import type { Account } from "./account.js";
import { threadCredentials } from "./libc.js";

/** What a login may do on this host. */
export interface LoginRights {
  readonly uid: number;
  readonly gid: number;
  /** All groups of the login. */
  readonly groups: readonly number[];
}

const LOOKUP_TIMEOUT_MS = 10_000;

/** Looks the groups of an account up. Throws `unavailable` where the name service fails. */
export async function loginRights({ name, uid, gid }: Account): Promise<LoginRights> {
  if (process.geteuid?.() !== 0) return { uid, gid, groups: [] };
  try {
    const { stdout } = await promisify(execFile)("id", ["-G", "--", name], {
      timeout: LOOKUP_TIMEOUT_MS,
      env: { PATH: "/usr/bin:/bin" },
      cwd: "/",
    });
    return { uid, gid, groups: stdout.trim().split(/\s+/).map(Number) };
  } catch (cause) {
    throw unavailable(`cannot look up the groups of "${name}" on this host; try again`, { cause });
  }
}

/**
 * Runs `work` with the login's rights. It must be done when it returns: nothing asynchronous in it has these rights.
 * A daemon that is not root has no other rights than its login's. Throws `unavailable` where rights cannot be changed.
 */
export function withRightsOf<T>(rights: LoginRights, work: () => T): T {
  if (process.geteuid?.() !== 0 || rights.uid === 0) return work();
  const { setGroups, setUid, setGid } = threadCredentials();
  const own = { gid: process.getegid?.() ?? 0, groups: process.getgroups?.() ?? [] };
  try {
    if (!(setGroups(rights.groups) && setGid(rights.gid) && setUid(rights.uid))) {
      throw unavailable("cannot take on the rights of a login on this host");
    }
    return work();
  } finally {
    // A daemon whose thread has lost its rights must not go on.
    if (!(setUid(0) && setGid(own.gid) && setGroups(own.groups))) process.abort();
  }
}
