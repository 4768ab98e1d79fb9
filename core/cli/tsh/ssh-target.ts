import { isIPv6 } from "node:net";
import { userInfo } from "node:os";
import { badParameter } from "../../errors/error.js";
import { parseLabels } from "../../grammar/labels.js";

/** What `[user@]host` means: one node, or all that carry some labels. */
export type SshTarget = { readonly login: string } & (
  { readonly host: string } | { readonly labels: Readonly<Record<string, string>> }
);

/** Reads `[user@]host` or `[user@]k=v,…`; the user goes before `defaultLogin`, and that before the local user. */
export function parseSshTarget(text: string, defaultLogin: string | undefined): SshTarget {
  const at = text.lastIndexOf("@");
  const host = text.slice(at + 1);
  const login = at > 0 ? text.slice(0, at) : (defaultLogin ?? userInfo().username);
  if (host === "") throw badParameter(`invalid host '${text}', expected [user@]host`);
  if (host.includes("=")) return { login, labels: parseLabels(host) };
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (bare.includes(":") && !isIPv6(bare)) {
    throw badParameter("please use ssh subcommand with '--port=N' flag instead of semicolon");
  }
  if (!isIPv6(bare) && /[\s@/]/.test(bare))
    throw badParameter(`invalid host '${text}', expected [user@]host`);
  return { login, host: bare };
}
