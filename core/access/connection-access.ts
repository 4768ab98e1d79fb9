/** Who may open an SSH connection to a server: the one decision of nodes, of proxies and of `tctl access`. */
import { accessDenied } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import type { Lock } from "../resources/lock.js";
import type { ServerFacts } from "./server-decision.js";
import { findLock, type LockSubject, lockText } from "./locks.js";
import type { LockingMode } from "./role-options.js";
import {
  type IdentityClaims,
  type IdentitySource,
  identifyUser,
  type UserIdentity,
} from "./user-identity.js";

/** What is known of the cluster; its replica on nodes and proxies is one. */
export interface ConnectionSource extends IdentitySource {
  locks(): readonly Lock[];
  /** Since when users, roles and locks cannot be refreshed; undefined while they are in step. */
  staleSince(): Date | undefined;
  /** The cluster's `locking_mode`, for roles that do not choose; absent means `best_effort`. */
  lockingMode?(): LockingMode;
}

/** A server that a connection leads to. */
export interface ConnectionServer extends ServerFacts {
  /** The host's UUID; empty where the server is not registered. */
  readonly id: string;
  readonly hostname: string;
}

/** What the decision about a connection needs. */
export interface ConnectionRequest {
  /** Verified already: its signature, its validity and that it names the login. */
  readonly certificate: SshCertificate;
  readonly login: string;
  readonly server: ConnectionServer;
  readonly source: ConnectionSource;
  readonly now: Date;
  /** The only login of a node that does not run as root; undefined where there is no such bound. */
  readonly onlyLogin?: string | undefined;
}

/** For how long a replica may be stale before `strict` roles trust its list of locks no more. */
export const MAX_LOCK_STALENESS_MS = 5 * 60_000;

/**
 * Decides about a client whose certificate is verified. Throws `access_denied` with the full reason, which is for the
 * log and the audit, and `corrupt` where a role cannot be read; clients are told no more than that they are refused.
 */
export function authorizeConnection(request: ConnectionRequest): UserIdentity {
  const { login, server, onlyLogin } = request;
  const identity = identifyUser(request.certificate, request.source);
  requireUnlocked(identity, request);
  const decision = identity.access.checkServer(server, login);
  if (!decision.allowed) throw accessDenied(`${decision.publicText}: ${decision.reason}`);
  if (onlyLogin !== undefined && login !== onlyLogin) throw accessDenied(onlyLoginText(onlyLogin, login));
  return identity;
}

/** Where a connected user is, for {@link requireUnlocked}. */
export type LockedPlace = Pick<ConnectionRequest, "login" | "server" | "source" | "now"> & {
  /** The session that the user starts, joins or is in. */
  readonly session?: string;
};

/**
 * Throws `access_denied` with the lock's text where a lock shuts the user out of a connection, or of a session on it,
 * and where the list of locks is too old for the user's roles.
 */
export function requireUnlocked(identity: UserIdentity, place: LockedPlace): void {
  const lock = findLock(place.source.locks(), lockSubject(identity, place), place.now);
  if (lock !== undefined) throw accessDenied(lockText(lock));
  const doubt = lockDoubt(identity, place);
  if (doubt !== undefined) throw accessDenied(doubt);
}

/** What locks are held against when a user is, or wants to be, at a place. */
export function lockSubject(
  { user, access, certificate }: UserIdentity<IdentityClaims>,
  place: LockedPlace,
): LockSubject {
  return {
    user,
    roles: access.roleNames,
    logins: [place.login],
    nodes: [place.server.id, place.server.hostname],
    ...(place.session === undefined ? {} : { session: place.session }),
    issuedAt: certificate.validAfter,
  };
}

/** Says that the list of locks is too old for the user's roles; undefined where it is not. */
export function lockDoubt(
  { access }: UserIdentity<IdentityClaims>,
  { source, now }: LockedPlace,
): string | undefined {
  const since = source.staleSince();
  if (since === undefined || now.getTime() - since.getTime() <= MAX_LOCK_STALENESS_MS) return undefined;
  if (access.lockingMode(source.lockingMode?.() ?? "best_effort") !== "strict") return undefined;
  return `the locks are not known since ${since.toISOString()} and the locking mode is strict: check the auth service`;
}

/** What the log says where a node cannot become the user of a login. */
export function onlyLoginText(onlyLogin: string, login: string): string {
  return `this node does not run as root, so "${onlyLogin}" is its only login, not "${login}"`;
}
