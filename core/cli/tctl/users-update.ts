import type { Command } from "commander";
import { isUnixUserName } from "../../access/logins.js";
import { badParameter } from "../../errors/error.js";
import { withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { withAuth, type TctlContext } from "./context.js";
import { splitNames } from "./name-list.js";

/** Flags of `tctl users update`. */
export interface UpdateUserFlags {
  readonly setRoles?: string;
  readonly setLogins?: string;
}

/** `tctl users update <account>` (features.md §2.1). */
export function configure(command: Command): void {
  command
    .argument("<account>", "name of the user")
    .option("--set-roles <roles>", "the user's roles from now on, comma separated")
    .option("--set-logins <logins>", "OS users that the user may log in as from now on, comma separated")
    .action((account: string, flags: UpdateUserFlags, command: Command) =>
      withAuth(command, (context) => updateUser(context, account, flags)),
    );
  withExamples(
    command,
    "tctl users update joe --set-roles=developer,auditor",
    "tctl users update joe --set-logins=joe,root",
  );
}

/** Changes a user; it holds at once, also for sessions that run. What is added needs a new login. */
export async function updateUser(
  { api, print }: TctlContext,
  account: string,
  { setRoles, setLogins }: UpdateUserFlags,
): Promise<void> {
  if (setRoles === undefined && setLogins === undefined) {
    throw badParameter("say what to change: --set-roles or --set-logins");
  }
  const user = await api.getUser(account);
  const roles = setRoles === undefined ? user.spec.roles : splitNames(setRoles);
  if (roles.length === 0) throw badParameter("a user needs at least one role: name one with --set-roles");
  const logins = setLogins === undefined ? undefined : splitNames(setLogins);
  const unfit = logins?.find((login) => !isUnixUserName(login));
  if (unfit !== undefined) throw badParameter(`${JSON.stringify(unfit)} is not the name of a Unix user`);
  const traits = {
    ...user.spec.traits,
    ...(logins === undefined ? {} : { logins }),
  };
  await api.upsertUser({ ...user, spec: { ...user.spec, roles, traits } });
  const told = [
    ...(setRoles === undefined ? [] : [`roles ${roles.join(",")}`]),
    ...(logins === undefined ? [] : [`logins ${logins.join(",")}`]),
  ];
  await print(`${terminalText(account)} has been updated with ${terminalText(told.join(" and "))}\n`);
}
