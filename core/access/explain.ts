/**
 * Why a connection is allowed or refused, and what would have to change (`tctl access explain`). It asks the same
 * compiled roles and locks as {@link authorizeConnection}, only that it does not stop at the first refusal.
 */
import { errorMessage, hasCode } from "../errors/error.js";
import type { AccessChange } from "./access-change.js";
import { type ConnectionRequest, lockDoubt, lockSubject, onlyLoginText } from "./connection-access.js";
import { isInForce, lockText } from "./locks.js";
import { isUnixUserName } from "./logins.js";
import { denialText, noGrantText, SERVER_DENIED, type ServerLack } from "./server-decision.js";
import { type IdentityClaims, identifyUser, type UserIdentity } from "./user-identity.js";

/** One thing that keeps a user out. */
export interface Obstacle {
  readonly by: "identity" | "lock" | "stale locks" | "deny" | "grant" | "host";
  /** The reason that enforcement puts into the log. */
  readonly reason: string;
  /** Each of them alone removes the obstacle; none where nothing short of another login or node does. */
  readonly changes: readonly AccessChange[];
}

/** The answer to "may they, and why?". */
export type Explanation =
  | {
      readonly allowed: true;
      /** The role that grants the connection. */
      readonly role: string;
    }
  | {
      readonly allowed: false;
      /** All that stands in the way: every one has to go. The first is what decides. */
      readonly obstacles: readonly [Obstacle, ...Obstacle[]];
    };

/** What an explanation is about; of a certificate that is yet to be issued, its claims are enough. */
export type ExplainRequest = Omit<ConnectionRequest, "certificate"> & {
  readonly certificate: IdentityClaims;
};

/** Explains what {@link authorizeConnection} says to the same request. Never throws `access_denied`. */
export function explainConnection(request: ExplainRequest): Explanation {
  let identity: UserIdentity<IdentityClaims>;
  try {
    identity = identifyUser(request.certificate, request.source);
  } catch (error) {
    if (!hasCode(error, "access_denied") && !hasCode(error, "corrupt")) throw error;
    return { allowed: false, obstacles: [{ by: "identity", reason: errorMessage(error), changes: [] }] };
  }
  const findings = identity.access.findServer(request.server, request.login);
  const [first, ...more] = [
    ...lockObstacles(identity, request),
    ...findings.denials.map((denial): Obstacle => {
      const { role, by } = denial;
      return {
        by: "deny",
        reason: `${SERVER_DENIED}: ${denialText(denial, request.login)}`,
        changes: [
          by === "login"
            ? { change: "undeny login", role, login: request.login }
            : { change: "undeny labels", role },
        ],
      };
    }),
    ...grantObstacles(findings.roles, request.login),
    ...hostObstacles(request),
  ];
  if (first !== undefined) return { allowed: false, obstacles: [first, ...more] };
  return { allowed: true, role: findings.roles.find(({ lacks }) => lacks.length === 0)?.role ?? "" };
}

function lockObstacles(identity: UserIdentity<IdentityClaims>, request: ExplainRequest): Obstacle[] {
  const subject = lockSubject(identity, request);
  const doubt = lockDoubt(identity, request);
  return [
    ...request.source
      .locks()
      .filter((lock) => isInForce(lock, subject, request.now))
      .map((lock): Obstacle => {
        const { metadata, spec } = lock;
        const change: AccessChange = { change: "remove lock", lock: metadata.name, expires: spec.expires };
        return { by: "lock", reason: lockText(lock), changes: [change] };
      }),
    ...(doubt === undefined
      ? []
      : [{ by: "stale locks", reason: doubt, changes: [{ change: "refresh locks" }] } as const]),
  ];
}

function grantObstacles(
  roles: readonly { role: string; lacks: readonly ServerLack[] }[],
  login: string,
): Obstacle[] {
  if (roles.some(({ lacks }) => lacks.length === 0)) return [];
  const reason = `${SERVER_DENIED}: ${noGrantText(login)}`;
  if (!isUnixUserName(login)) return [{ by: "grant", reason, changes: [] }];
  // The nearest role first: what one change mends comes before what takes two.
  const nearest = [...roles].sort((a, b) => a.lacks.length - b.lacks.length);
  const changes = nearest.map(({ role, lacks }): AccessChange => ({ change: "grant", role, login, lacks }));
  return [{ by: "grant", reason, changes: changes.length === 0 ? [{ change: "give a role" }] : changes }];
}

function hostObstacles({ onlyLogin, login }: ExplainRequest): Obstacle[] {
  if (onlyLogin === undefined || login === onlyLogin) return [];
  return [{ by: "host", reason: onlyLoginText(onlyLogin, login), changes: [{ change: "run node as root" }] }];
}
