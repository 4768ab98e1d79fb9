import { badParameter } from "../errors/error.js";
import { SYSTEM_ROLES, TOKEN_ROLES, type SystemRole } from "../grammar/system-roles.js";
import type { ProvisionToken } from "../resources/token.js";
import { readToken } from "./token-value.js";

const BY_FOLDED_NAME: ReadonlyMap<string, SystemRole> = new Map(
  SYSTEM_ROLES.map((role) => [role.toLowerCase(), role]),
);

const NEVER = "1970-01-01T00:00:00Z";

/** Checks a static token, `role[,role]:token`, and returns it as it is. Throws `bad_parameter`; never names the token. */
export function checkStaticToken(spec: string): string {
  split(spec);
  return spec;
}

/** A static token with its value, which is read where it names a file. Throws `bad_parameter`. */
export function parseStaticToken(spec: string): ProvisionToken {
  const { roles, value } = split(spec);
  return { roles, token: readToken(value), expires: NEVER };
}

/** Reads a list of roles such as `proxy,node`. Throws `bad_parameter`. */
export function parseTokenRoles(list: string): SystemRole[] {
  return list.split(",").map((word) => {
    const role = BY_FOLDED_NAME.get(word.trim().toLowerCase());
    if (role === undefined) throw badParameter(`role ${titleCase(word.trim())} is not registered`);
    if (!TOKEN_ROLES.includes(role)) {
      throw badParameter(
        `nobody can join as ${role}, a token's roles are node, proxy, auth, trusted_cluster`,
      );
    }
    return role;
  });
}

function split(spec: string): { roles: SystemRole[]; value: string } {
  const [list = "", value, ...rest] = spec.split(":");
  // Without its one colon the text may be a bare secret: repeat it only where all of it is role names.
  if (!value || list === "" || rest.length > 0) {
    const harmless = spec.split(",").every((word) => BY_FOLDED_NAME.has(word.trim().toLowerCase()));
    const shown = harmless ? `: "${spec}"` : "";
    throw badParameter(`invalid static token spec${shown}, expected 'role[,role]:token'`);
  }
  return { roles: parseTokenRoles(list), value: value.trim() };
}

function titleCase(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}
