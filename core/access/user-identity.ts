/** Who a client is, by its certificate (wire.md §1.3). */
import { accessDenied } from "../errors/error.js";
import type { SshCertificate } from "../pki/ssh-certificate.js";
import type { Role } from "../resources/role.js";
import type { Traits, User } from "../resources/user.js";
import { type Access, createAccess } from "./access.js";

/** What is known of the cluster's users and roles. */
export interface IdentitySource {
  user(name: string): User | undefined;
  /** Throws `access_denied` naming the first role that does not exist. */
  roles(names: readonly string[]): Role[];
}

/** What of a certificate says who its holder is. */
export type IdentityClaims = Pick<SshCertificate, "keyId" | "extensions" | "validAfter">;

/** A cluster user with the powers that the certificate's roles give. */
export interface UserIdentity<C extends IdentityClaims = SshCertificate> {
  readonly user: string;
  readonly access: Access;
  readonly certificate: C;
}

/** Whether a client may forward ports: a role and the certificate itself have to allow it. */
export function mayForwardPorts({ access, certificate }: UserIdentity): boolean {
  return access.portForwarding() && certificate.extensions.has("permit-port-forwarding");
}

/** Whether a client may forward its agent to sessions of a login: a role and the certificate itself have to allow it. */
export function mayForwardAgent({ access, certificate }: UserIdentity, login: string): boolean {
  return access.forwardAgent(login) && certificate.extensions.has("permit-agent-forwarding");
}

/** Whether a client may forward X11 from sessions of a login: a role and the certificate itself have to allow it. */
export function mayForwardX11({ access, certificate }: UserIdentity, login: string): boolean {
  return access.x11Forwarding(login) && certificate.extensions.has("permit-X11-forwarding");
}

/**
 * Reads roles and traits from the certificate; one in the `oldssh` format has none, and the user's own count. Where the
 * cluster knows the user, a certificate gives no more than the user still has: roles and trait values taken away since
 * then do not count. Throws `access_denied` where they cannot be read or a role does not exist.
 */
export function identifyUser<C extends IdentityClaims>(
  certificate: C,
  known: IdentitySource,
): UserIdentity<C> {
  const user = certificate.keyId;
  if (user === "") throw accessDenied("the certificate names no user");
  const owner = known.user(user);
  const { roles, traits } = narrowed(claimsOf(certificate, owner), owner);
  return { user, access: createAccess(known.roles(roles), traits), certificate };
}

/** Roles and traits: what a certificate says that its user has, or what the user has. */
export interface Powers {
  readonly roles: readonly string[];
  readonly traits: Traits;
}

function claimsOf({ keyId, extensions }: IdentityClaims, owner: User | undefined): Powers {
  const roles = extensions.get("teleport-roles");
  const traits = extensions.get("teleport-traits");
  if (roles !== undefined) {
    return { roles: readRoles(roles), traits: traits === undefined ? {} : readTraits(traits) };
  }
  if (owner === undefined) {
    throw accessDenied(`the certificate has no roles, and there is no user "${keyId}"`);
  }
  return { roles: owner.spec.roles, traits: owner.spec.traits ?? {} };
}

/** What of a certificate's powers its user still has; all of it where the cluster does not know the user. */
export function narrowed({ roles, traits }: Powers, owner: User | undefined): Powers {
  if (owner === undefined) return { roles, traits };
  const held = owner.spec.traits ?? {};
  return {
    roles: roles.filter((role) => owner.spec.roles.includes(role)),
    traits: Object.fromEntries(
      Object.entries(traits).map(([name, values]) => {
        const kept = new Set(Object.hasOwn(held, name) ? held[name] : []);
        return [name, (values ?? []).filter((value) => kept.has(value))];
      }),
    ),
  };
}

function readRoles(text: string): string[] {
  const value = parseObject(text, "teleport-roles");
  if (!isStrings(value["roles"])) throw unreadable("teleport-roles");
  return value["roles"];
}

function readTraits(text: string): Traits {
  const value = parseObject(text, "teleport-traits");
  for (const values of Object.values(value)) {
    if (values !== null && !isStrings(values)) throw unreadable("teleport-traits");
  }
  return value as Traits;
}

function parseObject(text: string, extension: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(extension, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unreadable(extension);
  return value as Record<string, unknown>;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function unreadable(extension: string, cause?: unknown): Error {
  return accessDenied(`the certificate's ${extension} cannot be read; log in again`, { cause });
}
