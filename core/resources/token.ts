import { SYSTEM_ROLES, type SystemRole } from "../grammar/system-roles.js";

export type { SystemRole };

/** A join token, in the shape of `GET /v2/tokens`. `expires` of a static token is 1970-01-01T00:00:00Z: never. */
export interface ProvisionToken {
  roles: SystemRole[];
  expires: string;
  token: string;
  /** Ours: it admits one host. */
  single_use?: boolean;
  /** Ours: the host that has begun to use up a single-use token; it alone may go on. */
  host_id?: string;
}

const EXACT: ReadonlySet<string> = new Set(SYSTEM_ROLES);
const FOLDED: ReadonlySet<string> = new Set(SYSTEM_ROLES.map((role) => role.toLowerCase()));

/** Whether a text is a system role, letter by letter. */
export function isSystemRole(name: string): name is SystemRole {
  return EXACT.has(name);
}

/** The user role that every cluster starts with; it is not the system role `Admin`, whatever its name. */
const ADMIN_USER_ROLE = "admin";

/**
 * Whether a name could be taken for a system role: no user role may have such a name, in any letter case. Only `admin`,
 * written just so, is a user role, since 4.2 has it in every cluster.
 */
export function isSystemRoleName(name: string): boolean {
  return name !== ADMIN_USER_ROLE && FOLDED.has(name.toLowerCase());
}
