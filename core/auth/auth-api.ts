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
import type { Caller } from "./caller.js";
import type { AuthApi } from "./client/api.js";

/** The typed interface for one caller. Both transports use it, so a call answers the same through either. */
export function createAuthApi(caller: Caller, services: Services): AuthApi {
  const scope: CallScope = { caller, services, may: createAuthorization(caller, services.stores) };
  return {
    ...clusterCalls(scope),
    ...accountCalls(scope),
    ...lockCalls(scope),
    ...loginCalls(scope),
    ...joinCalls(scope),
    ...presenceCalls(scope),
    ...sessionCalls(scope),
    ...sessionControlCalls(scope),
    // The caller's view holds nothing open; the auth server itself is closed by its owner.
    close: () => Promise.resolve(),
  };
}
