/** What `tsh login` does (features.md §3.3). */

/** What is known before anything is asked. */
export interface LoginSituation {
  /** The profile in force, if its login has not expired. */
  readonly valid: { readonly proxyHost: string; readonly user: string; readonly cluster: string } | undefined;
  /** Flags of the command; absent ones were not given. */
  readonly proxyHost: string | undefined;
  readonly user: string | undefined;
  readonly cluster: string | undefined;
  /** Whether the login is to be written to a file instead of the profile. */
  readonly toFile: boolean;
}

/** `status` prints who is logged in; `reissue` asks for a certificate for another cluster; `login` asks for a password. */
export type LoginAction = "status" | "reissue" | "login";

/** Decides. A valid login is only given up for what it cannot be changed into. */
export function decideLogin({ valid, proxyHost, user, cluster, toFile }: LoginSituation): LoginAction {
  if (valid === undefined || toFile) return "login";
  if (proxyHost !== undefined && proxyHost !== valid.proxyHost) return "login";
  if (user !== undefined && user !== valid.user) return "login";
  if (cluster !== undefined) return cluster === valid.cluster ? "status" : "reissue";
  // A proxy without a cluster is how people ask for a fresh login.
  return proxyHost === undefined ? "status" : "login";
}
