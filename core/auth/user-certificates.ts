import { createAccess } from "../access/access.js";
import { accessDenied, badParameter, errorMessage, hasCode } from "../errors/error.js";
import { issueSshCertificate } from "../pki/ssh-certificate.js";
import { issueTlsCertificate } from "../pki/x509.js";
import type { Clock } from "../plugin/clock.js";
import type { Role } from "../resources/role.js";
import type { RoleStore } from "../resources/roles.js";
import { isSystemRoleName } from "../resources/token.js";
import type { Traits } from "../resources/user.js";
import type { UserCerts } from "./client/api.js";
import { parseSubjectKey } from "./public-key.js";
import type { Signers } from "./signers.js";
import { validFrom } from "./validity.js";

/** How long certificates live where the request does not say. */
export const DEFAULT_CERTIFICATE_TTL_MS = 12 * 3_600_000;

const MIN_TTL_MS = 60_000;

/** What certificates a user is to get. */
export interface UserCertificateRequest {
  readonly username: string;
  readonly roles: readonly string[];
  readonly traits: Traits;
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

/** Issued certificates and when they expire. */
export interface IssuedUserCertificates extends UserCerts {
  readonly expires: Date;
}

/** Issues the certificates of users (wire.md §1.3 and §1.5). */
export interface UserCertificates {
  /** Throws `access_denied` where a role does not exist or the roles allow no login at all. */
  issue(request: UserCertificateRequest): Promise<IssuedUserCertificates>;
}

/** Certificates signed by the cluster's user authority. */
export function createUserCertificates(context: {
  readonly roles: RoleStore;
  readonly signers: Signers;
  readonly clock: Clock;
}): UserCertificates {
  const { roles, signers, clock } = context;
  return {
    async issue(request) {
      const { username, traits, routeToCluster } = request;
      const access = createAccess(await existingRoles(roles, request.roles), traits);
      const logins = access.logins();
      if (logins.length === 0) {
        throw accessDenied(`the roles of ${username} allow no login: ask an administrator to add one`);
      }
      const format = certificateFormat(request.format, access.certFormat());
      const key = parseSubjectKey(request.publicKey);
      const now = clock.now();
      const expires = expiry(request, now, (ttlMs) => access.capTtlMs(ttlMs));
      const notBefore = validFrom(now);
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
            ...(format === "standard" ? identityExtensions(request) : {}),
          },
        },
        signer.sshKey,
      );
      const tls = issueTlsCertificate({
        subject: { username, roles: [...request.roles], logins, routeToCluster, traits },
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

function expiry(request: UserCertificateRequest, now: Date, cap: (ttlMs: number) => number): Date {
  const asked = request.ttlMs > 0 ? request.ttlMs : DEFAULT_CERTIFICATE_TTL_MS;
  const ttlMs = Math.max(MIN_TTL_MS, request.uncapped ? asked : cap(asked));
  const expires = now.getTime() + ttlMs;
  return new Date(Math.min(expires, request.notAfter?.getTime() ?? expires));
}

function identityExtensions({
  roles,
  traits,
  routeToCluster,
}: UserCertificateRequest): Record<string, string> {
  const sorted = Object.fromEntries(Object.entries(traits).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    "teleport-roles": JSON.stringify({ version: "v1", roles }),
    "teleport-traits": JSON.stringify(sorted),
    ...(routeToCluster === "" ? {} : { "teleport-route-to-cluster": routeToCluster }),
  };
}
