import type { Command } from "commander";
import { withExamples } from "../program.js";
import { withAuth } from "./context.js";
import { addJoinToken, type JoinTokenFlags } from "./join-token.js";
import { addFormatFlag } from "./output-format.js";

/** `tctl tokens add` (features.md §2.3). */
export function configure(command: Command): void {
  command
    .requiredOption(
      "--type <roles>",
      "what joins with the token: node, proxy, trusted_cluster, comma separated",
    )
    .option(
      "--value <value>",
      "the token to use, or the path of a file that holds it (default: a random one)",
    )
    .option("--ttl <duration>", "how long the token is good for", "1h")
    .option("--single-use", "let the token admit one host only")
    .action(({ type, ...flags }: Omit<JoinTokenFlags, "roles"> & { type: string }, command: Command) =>
      withAuth(command, (context) =>
        addJoinToken(context, { ...flags, roles: type }, "this cluster has no auth servers"),
      ),
    );
  addFormatFlag(command);
  withExamples(
    command,
    "tctl tokens add --type=node",
    "tctl tokens add --type=node,proxy --ttl=24h",
    "tctl tokens add --type=node --single-use --value=/root/join-token",
    "tctl tokens add --type=trusted_cluster",
  );
}
