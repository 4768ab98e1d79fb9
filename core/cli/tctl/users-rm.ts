import type { Command } from "commander";
import { withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { withAuth, type TctlContext } from "./context.js";

/** `tctl users rm <a,b>` (features.md §2.1). */
export function configure(command: Command): void {
  command
    .argument("<accounts>", "names of the users, comma separated")
    .action((accounts: string, _flags: unknown, command: Command) =>
      withAuth(command, (context) => removeUsers(context, accounts)),
    );
  withExamples(command, "tctl users rm joe", "tctl users rm joe,alice");
}

/** Deletes users one after the other; stops at the first that cannot be deleted. */
export async function removeUsers({ api, print }: TctlContext, accounts: string): Promise<void> {
  for (const name of accounts.split(",").map((account) => account.trim())) {
    await api.deleteUser(name);
    await print(`User '${terminalText(name)}' has been deleted\n`);
  }
}
