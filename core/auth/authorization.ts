/** What a caller may do: the one place where the auth service asks (wire.md §5.2). */
import { createAccess, type Access } from "../access/access.js";
import type { Decision } from "../access/decision.js";
import type { RuleLog } from "../access/rule-action.js";
import { systemAccess } from "../access/system-roles.js";
import type { RuleSubject } from "../access/where.js";
import { accessDenied, hasCode } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";
import type { SystemRole } from "../resources/token.js";
import type { Caller, SystemCaller, UserCaller } from "./caller.js";
import type { Stores } from "./stores.js";

/** The rights of one caller. All methods throw `access_denied` where they do not suffice. */
export interface Authorization {
  /** Requires every one of the verbs on a kind. */
  require(kind: string, ...verbs: string[]): Promise<void>;
  /**
   * Requires the verbs on particular things, which conditions of rules may speak of. They are looked for only where the
   * caller's rules do not decide without them; `not_found` is then a refusal.
   */
  requireOn(kind: string, verbs: readonly string[], find: () => Promise<readonly RuleThing[]>): Promise<void>;
  /** What of a list the caller may list and read; throws where that is nothing and a condition of a rule is why. */
  visible<R extends object>(kind: string, list: () => Promise<R[]>, view?: ListView<R>): Promise<R[]>;
  /** Requires a host in one of these roles. */
  requireHost(...roles: SystemRole[]): SystemCaller;
  /** Requires that a host speaks for itself; the auth server's own identity may speak for every host. */
  requireOwnHost(hostId: string): void;
  isAdmin(): boolean;
  isUser(name: string): boolean;
  /** The caller's roles, for callers who are users. */
  userAccess(caller: UserCaller): Promise<Access>;
}

/** What conditions of rules may speak of besides the caller. */
export type RuleThing = Omit<RuleSubject, "user">;

/** How conditions of rules see what is listed. */
export interface ListView<R> {
  /** What is required of each; `list` and `read` when absent. */
  readonly verbs?: readonly string[];
  /** How conditions may speak of one; as a resource in the form it has when absent. */
  readonly thing?: (item: R) => RuleThing;
}

/** The rights of a caller, as they are now. What actions of rules log goes to `log`. */
export function createAuthorization(caller: Caller, stores: Stores, log: Logger): Authorization {
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
        return { checkRule: (verb, kind) => nobody.checkRule(verb, kind) };
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
  const user: RuleSubject["user"] =
    caller.kind === "user"
      ? { metadata: { name: caller.username }, spec: { roles: caller.roles, traits: caller.traits } }
      : undefined;
  const logAction: RuleLog = (level, message) => log[level](message, { caller: describe(caller) });
  /** Says of a thing why not all of the verbs are allowed; undefined where they are. */
  const check = async (kind: string, verbs: readonly string[]): Promise<RefusalOf> => {
    const access = await rules();
    return (thing) => {
      for (const verb of verbs) {
        const subject = user === undefined ? thing : { ...thing, user };
        const decision = access.checkRule(verb, kind, subject, logAction);
        if (!decision.allowed) {
          return accessDenied(decision.publicText, {
            context: { reason: decision.reason, caller: describe(caller) },
          });
        }
      }
      return undefined;
    };
  };
  return {
    userAccess,
    require: async (kind, ...verbs) => requireAll(await check(kind, verbs), {}),
    async requireOn(kind, verbs, find) {
      const decide = await check(kind, verbs);
      const refusal = decide({});
      if (refusal === undefined) return;
      // Only the rules of users have conditions.
      if (user === undefined) throw refusal;
      const things = await find().catch((error: unknown) => {
        throw hasCode(error, "not_found") ? refusal : error;
      });
      if (things.length === 0) throw refusal;
      for (const thing of things) requireAll(decide, thing);
    },
    async visible(
      kind,
      list,
      { verbs = ["list", "read"], thing = (resource: object) => ({ resource }) } = {},
    ) {
      const decide = await check(kind, verbs);
      const refusal = decide({});
      if (refusal === undefined) return list();
      if (user === undefined) throw refusal;
      const seen = (await list()).filter((item) => decide(thing(item)) === undefined);
      if (seen.length === 0) throw refusal;
      return seen;
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
  checkRule(verb: string, kind: string, subject?: RuleSubject, log?: RuleLog): Decision;
}

type RefusalOf = (thing: RuleThing) => Error | undefined;

function requireAll(decide: RefusalOf, thing: RuleThing): void {
  const refusal = decide(thing);
  if (refusal !== undefined) throw refusal;
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
const nobody = systemAccess("Nop", { clusterName: "" });

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
