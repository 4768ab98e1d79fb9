import type { Command } from "commander";
import { withExamples } from "../program.js";
import { table } from "../table.js";
import { withAuth, type TctlContext } from "./context.js";
import { addFormatFlag, isJson } from "./output-format.js";

/** `tctl users ls` (features.md §2.1). */
export function configure(command: Command): void {
  command.action((flags: { format: string }, command: Command) =>
    withAuth(command, (context) => listUsers(context, flags.format)),
  );
  addFormatFlag(command);
  withExamples(command, "tctl users ls");
}

/** Prints all users with the OS users that they may log in as. */
export async function listUsers({ api, print }: TctlContext, format: string): Promise<void> {
  const json = isJson(format);
  const users = await api.getUsers();
  if (json) return print(JSON.stringify(users, undefined, 2));
  if (users.length === 0) return print("No users found\n");
  const rows = users.map(({ metadata, spec }) => [metadata.name, (spec.traits?.logins ?? []).join(",")]);
  await print(`${table(["User", "Allowed logins"], rows)}\n`);
}
