import { badParameter } from "../errors/error.js";

/** Flags of `teleport start`, as the command line gave them; absent means not given. */
export interface StartFlags {
  readonly debug?: boolean;
  readonly insecureNoTls?: boolean;
  /** `proxy,node,auth`: replaces the set that the file enables. */
  readonly roles?: string;
  readonly pidFile?: string;
  readonly advertiseIp?: string;
  readonly listenIp?: string;
  readonly authServer?: string;
  /** A join token, or a path to one. */
  readonly token?: string;
  readonly caPin?: string;
  readonly nodename?: string;
  /** Path of teleport.yaml. */
  readonly config?: string;
  /** teleport.yaml itself, in base64. */
  readonly configString?: string;
  readonly bootstrap?: string;
  readonly labels?: string;
  readonly insecure?: boolean;
  readonly fips?: boolean;
  readonly diagAddr?: string;
  readonly permitUserEnv?: boolean;
}

/** A service of the daemon. */
export type ServiceRole = "auth" | "proxy" | "node";

/** Reads `--roles`. Throws `bad_parameter`. */
export function parseServiceRoles(list: string): ReadonlySet<ServiceRole> {
  return new Set(
    list.split(",").map((word): ServiceRole => {
      const role = word.trim();
      if (role === "auth" || role === "proxy" || role === "node") return role;
      throw badParameter(`unknown role: '${role}'`);
    }),
  );
}
