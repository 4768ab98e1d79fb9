import { Option, type Command } from "commander";
import { badParameter } from "../../../errors/error.js";
import { isSessionId } from "../../../recording/session-id.js";
import { withExamples } from "../../program.js";
import { readGlobalFlags } from "../global-flags.js";
import { joinSession, type JoinMode } from "../join-session.js";
import { withClient } from "../relogin.js";

/** `tsh join`: shares the terminal of a live session. */
export function configure(command: Command): void {
  command
    .argument("<session-id>", "id of the session, as SSH_SESSION_ID says in it")
    .option("--cluster <name>", "cluster of the session")
    .addOption(
      new Option("-m, --mode <mode>", "type into the session, or only watch")
        .choices(["peer", "observer"])
        .default("peer"),
    )
    .action((id: string, { cluster, mode }: { cluster?: string; mode: JoinMode }) => {
      if (!isSessionId(id)) throw badParameter(`'${id}' is not a valid session ID (must be GUID)`);
      const flags = readGlobalFlags(command);
      return withClient(cluster === undefined ? flags : { ...flags, cluster }, (client) =>
        joinSession(client, id, mode),
      );
    });
  withExamples(
    command,
    "tsh join 0c490820-9ee2-4bcc-83c4-e4e4f4a52d25",
    "tsh join --mode=observer 0c490820-9ee2-4bcc-83c4-e4e4f4a52d25   # Ctrl-C leaves",
  );
}
