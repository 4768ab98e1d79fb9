import { accessDenied } from "../../errors/error.js";
import type { AuthApi, WatchKind } from "../client/api.js";
import { endedByAbsence } from "../watch-end.js";
import { watchKinds } from "../watch.js";
import type { CallScope } from "./scope.js";

/** Kinds of which a watch needs less than `read`. */
const READ_WITHOUT_SECRETS: ReadonlySet<string> = new Set(["cert_authority"]);

/** Watches of the cluster's state. */
export function watchCalls(scope: CallScope): Pick<AuthApi, "watch"> {
  return {
    async *watch(kinds, signal) {
      await requireWatch(scope, kinds);
      const { storage } = scope.services;
      yield* endedByAbsence((until) => watchKinds(storage, kinds, until), scope.services, signal);
    },
  };
}

/** Throws `access_denied` where the caller may not watch all of the kinds. */
export async function requireWatch(
  { caller, may }: Pick<CallScope, "caller" | "may">,
  kinds: readonly WatchKind[],
): Promise<void> {
  if (caller.kind === "user" && kinds.some(({ kind }) => kind === "node")) {
    // Which nodes a user sees is decided by labels, which change.
    throw accessDenied("users cannot watch nodes: list them instead");
  }
  for (const { kind, loadSecrets } of kinds) {
    const verb = !loadSecrets && READ_WITHOUT_SECRETS.has(kind) ? "readnosecrets" : "read";
    await may.require(kind, verb);
  }
}
