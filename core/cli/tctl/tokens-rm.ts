import type { Command } from "commander";
import { badParameter } from "../../errors/error.js";
import { withExamples } from "../program.js";
import { terminalText } from "../terminal-text.js";
import { withAuth, type TctlContext } from "./context.js";

/** `tctl tokens rm <token>` (features.md §2.3). */
export function configure(command: Command): void {
  command
    .argument("[token]", "the token")
    .action((token: string | undefined, _flags: unknown, command: Command) => {
      if (token === undefined) throw badParameter("Need an argument: token");
      return withAuth(command, (context) => removeToken(context, token));
    });
  withExamples(command, "tctl tokens rm 9f4c7d1f8f3d4ac2b5d4b2a1c0e7f6a5");
}

/** Deletes a join token or an invite. */
export async function removeToken({ api, print }: TctlContext, token: string): Promise<void> {
  await api.deleteToken(token);
  await print(`Token ${terminalText(token)} has been deleted\n`);
}
