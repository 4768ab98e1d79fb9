/**
 * What a user's roles allow (features.md §5.2). A deny condition of any role wins over every allow condition, and
 * allow conditions are never combined across roles: one role alone must grant the whole of a request.
 */
import type { Role } from "../resources/role.js";
import type { Traits } from "../resources/user.js";
import { type CompiledRole, compileRole } from "./compiled-role.js";
import type { Decision } from "./decision.js";
import { IMPLICIT_ROLE } from "./implicit-role.js";
import { DEFAULT_MAX_TTL_MS, type EffectiveOptions, type LockingMode } from "./role-options.js";
import type { RuleLog } from "./rule-action.js";
import { decideRule } from "./rule-decision.js";
import {
  decideServer,
  decideVisible,
  findServer,
  type ServerFacts,
  type ServerFindings,
} from "./server-decision.js";
import type { RuleSubject } from "./where.js";

export type { Decision } from "./decision.js";

/** The powers of one user. */
export interface Access {
  /** The roles by name, without the implicit one. */
  readonly roleNames: readonly string[];
  readonly traits: Traits;
  /** The OS logins for a certificate: allowed by any role, in the roles' order, less those that one denies. */
  logins(): string[];
  /** Whether the user may open a session on a server as a login. */
  checkServer(server: ServerFacts, login: string): Decision;
  /** All that the roles say about a login at a server, for explanations. */
  findServer(server: ServerFacts, login: string): ServerFindings;
  /** Whether there is a login with which the user may reach the server: what lists show. */
  canSeeServer(server: ServerFacts): boolean;
  /**
   * Whether the user may do something with the resources of a kind. A rule whose `where` speaks of what the subject
   * lacks never allows, but does deny.
   */
  checkRule(verb: string, kind: string, subject?: RuleSubject, log?: RuleLog): Decision;
  /** The requested life of a certificate, cut to the shortest `max_session_ttl` of all roles. */
  capTtlMs(requestedMs: number): number;
  /** Whether a role allows agent forwarding; with a login, a role that also grants that login. */
  forwardAgent(login?: string): boolean;
  /** Whether a role that also grants the login allows X11 forwarding. */
  x11Forwarding(login: string): boolean;
  portForwarding(): boolean;
  certFormat(): "standard" | "oldssh";
  /** The smallest non-zero limit of the cluster and the roles; 0 = none. */
  clientIdleTimeoutMs(clusterMs: number): number;
  disconnectExpiredCert(cluster: boolean): boolean;
  /** How many connections the user may have at a time in the whole cluster: the lowest of the roles; 0 = any number. */
  maxConnections(): number;
  /** How many session channels a connection may have at a time: the lowest of the roles; 0 = any number. */
  maxSessions(): number;
  /** `strict` if any role is, otherwise what the roles say; the cluster's where none says. */
  lockingMode(cluster: LockingMode): LockingMode;
}

/** Prepares the roles of one user. Throws `corrupt`, naming the role, where a role's options cannot be read. */
export function createAccess(roles: readonly Role[], traits: Traits): Access {
  const named = roles.map((role) => compileRole(role, traits));
  const all = [...named, compileRole(IMPLICIT_ROLE, traits)];

  const logins = grantedLogins(all);
  const checkServer = (server: ServerFacts, login: string): Decision => decideServer(all, server, login);
  const optionOf = <K extends keyof EffectiveOptions>(key: K): EffectiveOptions[K][] =>
    named.map(({ options }) => options[key]);

  return {
    roleNames: named.map(({ name }) => name),
    traits,
    logins: () => [...logins],
    checkServer,
    findServer: (server, login) => findServer(named, server, login),
    canSeeServer: (server) => decideVisible(all, server),
    checkRule: (verb, kind, subject = {}, log = () => undefined) =>
      decideRule(all, { verb, kind, subject, log }),
    capTtlMs: (requestedMs) =>
      Math.min(
        requestedMs,
        ...(named.length === 0 ? [DEFAULT_MAX_TTL_MS] : named.map((role) => role.options.maxTtlMs)),
      ),
    forwardAgent: (login) =>
      named.some(
        (role) => role.options.forwardAgent && (login === undefined || role.allow.logins.has(login)),
      ),
    x11Forwarding: (login) =>
      named.some((role) => role.options.x11Forwarding && role.allow.logins.has(login)),
    portForwarding: () => named.some((role) => role.options.portForwarding),
    certFormat: () => (named.some((role) => role.options.oldFormat) ? "oldssh" : "standard"),
    clientIdleTimeoutMs: (clusterMs) => lowestLimit([clusterMs, ...optionOf("idleTimeoutMs")]),
    disconnectExpiredCert: (cluster) => cluster || named.some((role) => role.options.disconnectExpired),
    maxConnections: () => lowestLimit(optionOf("maxConnections")),
    maxSessions: () => lowestLimit(optionOf("maxSessions")),
    lockingMode: (cluster) => {
      const chosen = optionOf("lockingMode");
      return chosen.includes("strict") ? "strict" : (chosen.find((mode) => mode !== undefined) ?? cluster);
    },
  };
}

/** The smallest of the limits that are set; 0, no limit, where none is. */
function lowestLimit(limits: readonly number[]): number {
  const set = limits.filter((limit) => limit > 0);
  return set.length === 0 ? 0 : Math.min(...set);
}

function grantedLogins(roles: readonly CompiledRole[]): string[] {
  const denied = roles.filter(({ deny }) => deny.hasNamespace("default")).map(({ deny }) => deny.logins);
  const allowed = roles
    .filter((role) => role.allow.hasNamespace("default"))
    .flatMap((role) => role.allow.logins.names);
  return [...new Set(allowed)].filter((login) => !denied.some((set) => set.has(login)));
}
