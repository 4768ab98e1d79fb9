import type { Command } from "commander";
import { badParameter } from "../../errors/error.js";
import type { Server } from "../../resources/server.js";
import { terminalText } from "../terminal-text.js";
import { withExamples } from "../program.js";
import { withAuth, type TctlContext } from "./context.js";
import { addFormatFlag, isJson } from "./output-format.js";
import { splitNames } from "./name-list.js";
import { parseTtl } from "./ttl.js";

const HOUR_MS = 3_600_000;
const WEB_PORT = 3080;

/** Flags of `tctl users add`. */
export interface AddUserFlags {
  readonly k8sGroups?: string;
  readonly roles?: string;
  readonly ttl: string;
  readonly format: string;
}

/** `tctl users add <account> [logins]` (features.md §2.1). */
export function configure(command: Command): void {
  command
    .argument("<account>", "name of the new user")
    .argument(
      "[logins]",
      "OS users that the user may log in as, comma separated (default: the account's name)",
    )
    .option("--roles <roles>", "roles of the new user, comma separated (default: admin)")
    .option("--k8s-groups <groups>", "Kubernetes groups, comma separated")
    .option("--ttl <duration>", "how long the invite is good for, at most 48h", "1h")
    .action((account: string, logins: string | undefined, flags: AddUserFlags, command: Command) =>
      withAuth(command, (context) => addUser(context, account, logins, flags)),
    );
  addFormatFlag(command);
  withExamples(
    command,
    "tctl users add joe                 # joe may log in as joe",
    "tctl users add joe joe,root        # joe may log in as joe or root",
    "tctl users add joe --roles=auditor --ttl=8h",
  );
}

/** Invites a user and prints where to sign up. */
export async function addUser(
  { api, print, clock }: TctlContext,
  account: string,
  logins: string | undefined,
  flags: AddUserFlags,
): Promise<void> {
  const json = isJson(flags.format);
  const ttlMs = parseTtl(flags.ttl);
  const kubernetesGroups = flags.k8sGroups === undefined ? [] : splitNames(flags.k8sGroups);
  const roles = flags.roles === undefined ? undefined : splitNames(flags.roles);
  if (roles?.length === 0) throw badParameter("a user needs at least one role: name one with --roles");
  const user = {
    name: account,
    allowed_logins: logins === undefined ? [account] : splitNames(logins),
    ...(roles === undefined ? {} : { roles }),
    ...(kubernetesGroups.length === 0 ? {} : { kube_groups: kubernetesGroups }),
  };
  const token = await api.createSignupToken(user, ttlMs);
  const host = terminalText(webAddress(await api.getProxies()));
  const url = `https://${host}/web/newuser/${token}`;
  if (json) {
    const expires = new Date(clock.now().getTime() + ttlMs).toISOString();
    const invite = { kind: "invite_token", version: "v3", metadata: { name: token, expires }, spec: { url } };
    return print(JSON.stringify(invite));
  }
  await print(
    `Signup token has been created and is valid for ${spoken(ttlMs)}. Share this URL with the user:\n${url}\n\n` +
      `NOTE: Make sure ${host} points at a Teleport proxy which users can access.\n`,
  );
}

/** Where users find the web page: the first proxy's public address, or the best guess there is. */
function webAddress([proxy]: readonly Server[]): string {
  return proxy?.spec.public_addr || `${proxy?.spec.hostname || "<proxyhost>"}:${WEB_PORT}`;
}

/** Hours as 4.2 counts them; what is shorter than one is told in minutes. */
function spoken(ttlMs: number): string {
  return ttlMs >= HOUR_MS ? `${Math.floor(ttlMs / HOUR_MS)} hours` : `${Math.floor(ttlMs / 60_000)} minutes`;
}
