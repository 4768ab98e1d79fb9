import type { Command } from "commander";
import { withExamples } from "../program.js";
import { withAuth } from "./context.js";
import { addJoinToken, type JoinTokenFlags } from "./join-token.js";
import { addFormatFlag } from "./output-format.js";

/** `tctl nodes add` (features.md §2.2). */
export function configure(command: Command): void {
  command
    .option("--roles <roles>", "services that the host may run, comma separated", "node")
    .option("--ttl <duration>", "how long the token is good for", "30m")
    .option(
      "--token <value>",
      "the token to use, or the path of a file that holds it (default: a random one)",
    )
    .option("--single-use", "let the token admit one host only")
    .action(({ token, ...flags }: Omit<JoinTokenFlags, "value"> & { token?: string }, command: Command) =>
      withAuth(command, (context) =>
        addJoinToken(
          context,
          { ...flags, value: token },
          "This cluster does not have any auth servers running.",
        ),
      ),
    );
  addFormatFlag(command);
  withExamples(
    command,
    "tctl nodes add",
    "tctl nodes add --roles=node,proxy --ttl=1h",
    "tctl nodes add --single-use --token=/root/join-token",
  );
}
