import type { Command } from "commander";
import type { AuthApi } from "../../auth/client/api.js";
import type { LiveSession } from "../../resources/session.js";
import { withExamples } from "../program.js";
import { table } from "../table.js";
import { withAuth, type TctlContext } from "./context.js";
import { addFormatFlag, isJson } from "./output-format.js";

/** `tctl sessions ls`. */
export function configure(command: Command): void {
  command.action((flags: { format: string }, command: Command) =>
    withAuth(command, (context) => listSessions(context, flags.format)),
  );
  addFormatFlag(command);
  withExamples(command, "tctl sessions ls", "tctl sessions ls --format=json");
}

/** Prints the live sessions, the oldest on top. */
export async function listSessions({ api, print }: TctlContext, format: string): Promise<void> {
  const json = isJson(format);
  const sessions = (await api.getSessions("default")).sort((a, b) => a.created.localeCompare(b.created));
  if (json) return print(`${JSON.stringify(sessions, undefined, 2)}\n`);
  if (sessions.length === 0) return print("No live sessions.\n");
  const hostnames = await hostnamesOf(api);
  await print(
    table(
      ["Session ID", "Node", "Login", "Participants", "Created", "Last active"],
      sessions.map((session) => [
        session.id,
        nodeOf(session, hostnames),
        session.login,
        participants(session),
        session.created,
        session.last_active,
      ]),
    ),
  );
}

/** Where a session runs, as its users know it. */
function nodeOf({ server_id, target = server_id }: LiveSession, hostnames: Map<string, string>): string {
  return hostnames.get(target) ?? target;
}

/** The names of the servers that have sessions: nodes, and proxies of 4.2 where those record. */
async function hostnamesOf(api: AuthApi): Promise<Map<string, string>> {
  const servers = [...(await api.getNodes("default")), ...(await api.getProxies())];
  return new Map(servers.map(({ metadata, spec }) => [metadata.name, spec.hostname]));
}

const participants = ({ parties }: LiveSession): string =>
  [...new Set((parties ?? []).map(({ user }) => user))].join(",");
