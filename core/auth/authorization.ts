/** What a caller may do: the one place where the auth service asks (wire.md §5.2). */
import { createAccess, type Access } from "../access/access.js";
import type { Decision } from "../access/decision.js";
import { systemAccess } from "../access/system-roles.js";
import { accessDenied, hasCode } from "../errors/error.js";
import type { SystemRole } from "../resources/token.js";
import type { Caller, SystemCaller, UserCaller } from "./caller.js";
import type { Stores } from "./stores.js";

/** The rights of one caller. All methods throw `access_denied` where they do not suffice. */
export interface Authorization {
  /** Requires every one of the verbs on a kind. */
  require(kind: string, ...verbs: string[]): Promise<void>;
  /** Requires a host in one of these roles. */
  requireHost(...roles: SystemRole[]): SystemCaller;
  /** Requires that a host speaks for itself; the auth server's own identity may speak for every host. */
  requireOwnHost(hostId: string): void;
  isAdmin(): boolean;
  isUser(name: string): boolean;
  /** The caller's roles, for callers who are users. */
  userAccess(caller: UserCaller): Promise<Access>;
}

/** The rights of a caller, as they are now. */
export function createAuthorization(caller: Caller, stores: Stores): Authorization {
  const userAccess = async ({ roles, traits }: UserCaller): Promise<Access> => {
    try {
      return createAccess(await Promise.all(roles.map((name) => stores.roles.get(name))), traits);
    } catch (error) {
      throw hasCode(error, "not_found")
        ? accessDenied("a role of this certificate does not exist any more: log in again", { cause: error })
        : error;
    }
  };
  const rules = async (): Promise<RuleCheck> => {
    switch (caller.kind) {
      case "user":
        return userAccess(caller);
      case "anonymous":
        return systemAccess("Nop", { clusterName: "" });
      case "system":
        return hostAccess(caller);
    }
  };
  const hostAccess = async ({ role, clusterName }: SystemCaller): Promise<RuleCheck> => {
    const { session_recording: recording } = (await stores.settings.clusterConfig()).spec;
    const access = systemAccess(role, { clusterName, recordAtProxy: recording === "proxy" });
    return {
      checkRule(verb, kind) {
        const decision = access.checkRule(verb, kind);
        return decision.allowed || !WITH_IMPLICIT_ROLE.has(role)
          ? decision
          : implicitAccess.checkRule(verb, kind);
      },
    };
  };
  return {
    userAccess,
    async require(kind, ...verbs) {
      const access = await rules();
      for (const verb of verbs) {
        const decision = access.checkRule(verb, kind);
        if (!decision.allowed) {
          throw accessDenied(decision.publicText, {
            context: { reason: decision.reason, caller: describe(caller) },
          });
        }
      }
    },
    requireHost(...roles) {
      if (caller.kind !== "system" || !roles.includes(caller.role)) {
        throw accessDenied(`this request can be only executed by ${roles.join(" or ").toLowerCase()}`, {
          context: { caller: describe(caller) },
        });
      }
      return caller;
    },
    requireOwnHost(hostId) {
      if (caller.kind !== "system" || (caller.hostId !== hostId && caller.role !== "Admin")) {
        throw accessDenied(`this host cannot speak for the host ${hostId}`, {
          context: { caller: describe(caller) },
        });
      }
    },
    isAdmin: () => caller.kind === "system" && caller.role === "Admin",
    isUser: (name) => caller.kind === "user" && caller.username === name,
  };
}

interface RuleCheck {
  checkRule(verb: string, kind: string): Decision;
}

/** In 4.2 the implicit role is added to the roles of hosts too; those that stand for no host have no rights at all. */
const WITH_IMPLICIT_ROLE: ReadonlySet<SystemRole> = new Set<SystemRole>([
  "Auth",
  "Web",
  "Node",
  "Proxy",
  "Admin",
  "Signup",
]);
const implicitAccess = createAccess([], {});

function describe(caller: Caller): string {
  switch (caller.kind) {
    case "anonymous":
      return "nobody";
    case "system":
      return `${caller.role} ${caller.hostId}`;
    case "user":
      return `user ${caller.username}`;
  }
}
