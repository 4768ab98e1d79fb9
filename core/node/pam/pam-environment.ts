/** Variables that go to PAM modules, and those that come from them. */
import { expandTemplate } from "../../access/template.js";
import type { UserIdentity } from "../../access/user-identity.js";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The variables that modules see (features.md §4.3): who logs in, and those of `ssh_service.pam.environment`, with the
 * user's traits put in. A variable whose trait the user lacks is left out; several values are separated by spaces.
 */
export function moduleVariables(
  identity: UserIdentity,
  login: string,
  configured: Readonly<Record<string, string>>,
): Record<string, string> {
  const expanded = Object.entries(configured).flatMap(([name, template]): [string, string][] => {
    const values = expandTemplate(template, identity.access.traits);
    return values.length === 0 ? [] : [[name, values.join(" ")]];
  });
  return {
    ...Object.fromEntries(expanded),
    TELEPORT_USERNAME: identity.user,
    TELEPORT_LOGIN: login,
    TELEPORT_ROLES: identity.access.roleNames.join(" "),
  };
}

/** The program's variables with those of PAM over them; those that describe the session stay as they are. */
export function programEnvironment(
  own: ReadonlyMap<string, string>,
  fromPam: ReadonlyMap<string, string>,
): Map<string, string> {
  const environment = new Map(own);
  for (const [name, value] of fromPam) {
    if (!NAME.test(name) || (name.startsWith("SSH_") && own.has(name))) continue;
    environment.set(name, value);
  }
  return environment;
}
