import { badParameter } from "../errors/error.js";
import type { StartFlags } from "./flags.js";
import type { FileConfig } from "./schema/file.js";

/** A service of the daemon. */
export type ServiceRole = "auth" | "proxy" | "node";

/**
 * The services to run: those of `--roles`, else those that the file does not disable. Another auth server replaces the
 * local one. Throws `bad_parameter` where none is left.
 */
export function enabledRoles(
  file: FileConfig | undefined,
  flags: StartFlags,
): { roles: ReadonlySet<ServiceRole>; warnings: string[] } {
  const roles = new Set<ServiceRole>(flags.roles ? parseServiceRoles(flags.roles) : fileRoles(file));
  const warnings: string[] = [];
  if (flags.authServer && roles.delete("auth")) {
    warnings.push("not starting the local auth service: --auth-server names another one");
  }
  if (roles.size === 0) throw badParameter("config: supply at least one of Auth, SSH or Proxy roles");
  return { roles, warnings };
}

function fileRoles(file: FileConfig | undefined): ServiceRole[] {
  const enabled: [ServiceRole, boolean][] = [
    ["auth", file?.authService?.enabled ?? true],
    ["proxy", file?.proxyService?.enabled ?? true],
    ["node", file?.sshService?.enabled ?? true],
  ];
  return enabled.filter(([, isOn]) => isOn).map(([role]) => role);
}

function parseServiceRoles(list: string): ReadonlySet<ServiceRole> {
  return new Set(
    list.split(",").map((word): ServiceRole => {
      const role = word.trim();
      if (role === "auth" || role === "proxy" || role === "node") return role;
      throw badParameter(`unknown role: '${role}'`);
    }),
  );
}
