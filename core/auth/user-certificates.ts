import { randomUUID } from "node:crypto";
import { createAccess, type Access } from "../access/access.js";
import { narrowed, type Powers } from "../access/user-identity.js";
import { accessDenied, badParameter, errorMessage, hasCode } from "../errors/error.js";
import { issueSshCertificate } from "../pki/ssh-certificate.js";
import { issueTlsCertificate } from "../pki/x509.js";
import type { Clock } from "../plugin/clock.js";
import type { Role } from "../resources/role.js";
import type { RoleStore } from "../resources/roles.js";
import { isSystemRoleName } from "../resources/token.js";
import type { UserStore } from "../resources/users.js";
import type { UserCerts } from "./client/api.js";
import type { LockCheck } from "./lock-check.js";
import { parseSubjectKey } from "./public-key.js";
import type { Signers } from "./signers.js";
import { userExpiry } from "./user-expiry.js";

/** How long certificates live where the request does not say. */
export const DEFAULT_CERTIFICATE_TTL_MS = 12 * 3_600_000;

const MIN_TTL_MS = 60_000;

/** What certificates a user is to get. */
export interface UserCertificateRequest {
  readonly username: string;
  /** Set where a certificate is asked for with another one: the new one gives no more. */
  readonly within?: Powers | undefined;
  /** authorized_keys line. */
  readonly publicKey: string;
  /** 0 takes the default of 12 hours. */
  readonly ttlMs: number;
  /** Set where an administrator asks: the roles' `max_session_ttl` is not applied. */
  readonly uncapped?: boolean;
  /** Nothing is issued beyond this moment. */
  readonly notAfter?: Date | undefined;
  /** `standard`, `oldssh`, or empty for what the roles say. */
  readonly format: string;
  readonly routeToCluster: string;
}

/** Who gets a certificate, as the cluster knows the user now. */
interface Holder extends Powers {
  readonly expires: Date | undefined;
}

/** Issued certificates and when they expire. */
export interface IssuedUserCertificates extends UserCerts {
  readonly expires: Date;
}

/** Issues the certificates of users (wire.md §1.3 and §1.5). */
export interface UserCertificates {
  /**
   * Certificates for what the user has now, which end with the user where one expires. Throws `access_denied` where there
   * is no such user, a role does not exist, or a lock shuts the user out.
   */
  issue(request: UserCertificateRequest): Promise<IssuedUserCertificates>;
}

/** Certificates signed by the cluster's user authority. */
export function createUserCertificates(context: {
  readonly users: UserStore;
  readonly roles: RoleStore;
  readonly lockCheck: LockCheck;
  readonly signers: Signers;
  readonly clock: Clock;
}): UserCertificates {
  const { users, roles, lockCheck, signers, clock } = context;

  /** The user, and when a certificate may start. */
  const holderOf = async ({ username, within }: UserCertificateRequest) => {
    const powers = async (): Promise<Holder> => {
      const user = await users.find(username);
      if (user === undefined) throw accessDenied(`the user ${username} does not exist any more`);
      const held = { roles: user.spec.roles, traits: user.spec.traits ?? {} };
      return { ...(within === undefined ? held : narrowed(within, user)), expires: userExpiry(user) };
    };
    const { roles: names } = await powers();
    const notBefore = await lockCheck.certificateStart({ user: username, roles: names });
    // Looked for again: who was deleted meanwhile must not get a certificate that starts after the deletion.
    return { ...(await powers()), notBefore };
  };

  return {
    async issue(request) {
      const { username, routeToCluster } = request;
      const holder = await holderOf(request);
      if (holder.roles.length === 0) {
        throw accessDenied(
          `the user ${username} has no role for a certificate: log in again, or ask for a role`,
        );
      }
      const access = createAccess(await existingRoles(roles, holder.roles), holder.traits);
      const format = certificateFormat(request.format, access.certFormat());
      const key = parseSubjectKey(request.publicKey);
      const { notBefore } = holder;
      const expires = expiry(request, holder, clock.now(), (ttlMs) => access.capTtlMs(ttlMs));
      if (expires <= notBefore) throw accessDenied(`the user ${username} has expired`);
      const logins = principals(access);
      const signer = await signers.active("user");
      const ssh = issueSshCertificate(
        {
          type: "user",
          publicBlob: key.blob,
          keyId: username,
          principals: logins,
          validAfter: notBefore,
          validBefore: expires,
          extensions: {
            "permit-pty": "",
            ...(access.portForwarding() ? { "permit-port-forwarding": "" } : {}),
            ...(logins.some((login) => access.x11Forwarding(login)) ? { "permit-X11-forwarding": "" } : {}),
            ...(access.forwardAgent() ? { "permit-agent-forwarding": "" } : {}),
            ...(format === "standard" ? identityExtensions(holder, routeToCluster) : {}),
          },
        },
        signer.sshKey,
      );
      const tls = issueTlsCertificate({
        subject: { username, roles: [...holder.roles], logins, routeToCluster, traits: holder.traits },
        publicKey: key.key,
        authority: signer.tls,
        notBefore,
        notAfter: expires,
      });
      return { ssh, tls, expires };
    },
  };
}

async function existingRoles(roles: RoleStore, names: readonly string[]): Promise<Role[]> {
  const forged = names.find(isSystemRoleName);
  if (forged !== undefined) {
    throw accessDenied(`a user cannot have the system role ${forged}`);
  }
  try {
    return await Promise.all(names.map((name) => roles.get(name)));
  } catch (error) {
    throw hasCode(error, "not_found") ? accessDenied(errorMessage(error), { cause: error }) : error;
  }
}

function certificateFormat(requested: string, byRoles: "standard" | "oldssh"): "standard" | "oldssh" {
  if (requested === "") {
    return byRoles;
  }
  if (requested !== "standard" && requested !== "oldssh") {
    throw badParameter(
      `${JSON.stringify(requested)} is not a certificate format: use "standard" or "oldssh"`,
    );
  }
  return requested;
}

/**
 * The logins of a certificate. Without a principal it would be good for any login; one whose roles allow none, such as an
 * auditor's, gets a principal that is no login, as 4.x does it: it opens the API and nothing else.
 */
function principals(access: Access): string[] {
  const logins = access.logins();
  return logins.length > 0 ? logins : [`-teleport-nologin-${randomUUID()}`];
}

function expiry(
  request: UserCertificateRequest,
  holder: Holder,
  now: Date,
  cap: (ttlMs: number) => number,
): Date {
  const asked = request.ttlMs > 0 ? request.ttlMs : DEFAULT_CERTIFICATE_TTL_MS;
  const ttlMs = Math.max(MIN_TTL_MS, request.uncapped ? asked : cap(asked));
  const ends = [request.notAfter, holder.expires].flatMap((end) => end?.getTime() ?? []);
  return new Date(Math.min(now.getTime() + ttlMs, ...ends));
}

function identityExtensions({ roles, traits }: Powers, routeToCluster: string): Record<string, string> {
  const sorted = Object.fromEntries(Object.entries(traits).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    "teleport-roles": JSON.stringify({ version: "v1", roles }),
    "teleport-traits": JSON.stringify(sorted),
    ...(routeToCluster === "" ? {} : { "teleport-route-to-cluster": routeToCluster }),
  };
}
