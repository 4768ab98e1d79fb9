/** The auth service as one caller sees it: every call asks for permission first, then does its work. */
import { createAuthorization } from "./authorization.js";
import { accountCalls } from "./calls/account-calls.js";
import { clusterCalls } from "./calls/cluster-calls.js";
import { joinCalls } from "./calls/join-calls.js";
import { lockCalls } from "./calls/lock-calls.js";
import { loginCalls } from "./calls/login-calls.js";
import { presenceCalls } from "./calls/presence-calls.js";
import type { CallScope, Services } from "./calls/scope.js";
import { sessionCalls } from "./calls/session-calls.js";
import { sessionControlCalls } from "./calls/session-control-calls.js";
import { storageAdminCalls } from "./calls/storage-admin-calls.js";
import { storageCalls } from "./calls/storage-calls.js";
import { requireWatch, watchCalls } from "./calls/watch-calls.js";
import type { Caller, UserCaller } from "./caller.js";
import { currentCaller } from "./current-caller.js";
import type { AuthApi } from "./client/api.js";
import { guardedWatch } from "./guarded-watch.js";

/** The typed interface for one caller. Both transports use it, so a call answers the same through either. */
export function createAuthApi(caller: Caller, services: Services): AuthApi {
  return caller.kind === "user" ? userApi(caller, services) : apiOf(caller, services);
}

type Call = (...args: unknown[]) => unknown;

/** Looks at the user again before each call, and while a watch lasts: connections live longer than decisions. */
function userApi(caller: UserCaller, services: Services): AuthApi {
  const { stores, storage, lockCheck, clock } = services;
  const now = (): Promise<UserCaller> => currentCaller(caller, { users: stores.users, lockCheck });
  const current = async (): Promise<AuthApi> => apiOf(await now(), services);
  const guarded =
    (name: keyof AuthApi): Call =>
    async (...args) =>
      ((await current())[name] as Call)(...args);
  const calls = Object.fromEntries(
    (Object.keys(apiOf(caller, services)) as (keyof AuthApi)[]).map((name) => [name, guarded(name)]),
  ) as unknown as AuthApi;
  return {
    ...calls,
    staleSince: () => services.health.staleSince(),
    watch: (kinds, signal) =>
      guardedWatch(
        async function* (until) {
          yield* (await current()).watch(kinds, until);
        },
        {
          ...{ storage, clock, username: caller.username, expires: caller.expires },
          check: async () => requireWatch(scopeOf(await now(), services), kinds),
        },
        signal,
      ),
  };
}

function scopeOf(caller: Caller, services: Services): CallScope {
  return { caller, services, may: createAuthorization(caller, services.stores, services.log) };
}

function apiOf(caller: Caller, services: Services): AuthApi {
  const scope = scopeOf(caller, services);
  return {
    ...clusterCalls(scope),
    ...accountCalls(scope),
    ...lockCalls(scope),
    ...loginCalls(scope),
    ...joinCalls(scope),
    ...presenceCalls(scope),
    ...sessionCalls(scope),
    ...sessionControlCalls(scope),
    ...storageAdminCalls(scope),
    ...storageCalls(scope),
    ...watchCalls(scope),
    // The caller's view holds nothing open; the auth server itself is closed by its owner.
    close: () => Promise.resolve(),
  };
}
