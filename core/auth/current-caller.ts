import { narrowed } from "../access/user-identity.js";
import type { UserStore } from "../resources/users.js";
import type { UserCaller } from "./caller.js";
import type { LockCheck } from "./lock-check.js";

/**
 * A user who calls, with no more than the user still has: roles and trait values that were taken away since the
 * certificate was issued do not count. Throws `access_denied` where a lock shuts the user out.
 */
export async function currentCaller(
  caller: UserCaller,
  { users, lockCheck }: { readonly users: UserStore; readonly lockCheck: LockCheck },
): Promise<UserCaller> {
  // The user first: one who is deleted in between has a lock by then.
  const current = { ...caller, ...narrowed(caller, await users.find(caller.username)) };
  await lockCheck.requireUnlocked({
    user: current.username,
    roles: current.roles,
    issuedAt: current.issuedAt,
  });
  return current;
}
