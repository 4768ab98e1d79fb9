/** Joining a live session: another client on the same terminal. */
import { hasCode, notFound } from "../../errors/error.js";
import { type Address, parseAddress } from "../../grammar/address.js";
import type { AuthApi } from "../../auth/client/api.js";
import type { LiveSession } from "../../resources/session.js";
import { ExitWith } from "../program.js";
import { connectAuthThrough } from "./auth-client.js";
import type { Client } from "./client.js";
import { EscapeSequences } from "./escape-sequences.js";
import { connectNode } from "./node-connection.js";
import { ObserverKeys } from "./observer-keys.js";
import { connectProxy, type ProxyClient } from "./proxy-client.js";
import { exitCodeOf, closedLine, processStreams, runSession } from "./session.js";
import { onSessionNews } from "./session-news.js";
import { terminalSize } from "./terminal.js";

/** `peer` types into the session, `observer` only watches. */
export type JoinMode = "peer" | "observer";

/** The one that a node is registered with. */
const ANY_PORT = 0;

/** Joins and stays until the session ends. Throws `not_found` where it is not live; see also runSession. */
export async function joinSession(client: Client, id: string, mode: JoinMode): Promise<void> {
  const proxy = await connectProxy(client);
  try {
    const session = await findSession(proxy, client, id);
    const connection = await connectNode(client, proxy, { ...placeOf(session), login: session.login });
    try {
      onSessionNews(connection, {
        told: (line) => void process.stderr.write(`\r\n${line}\r\n`),
        resized: ({ columns, rows }) => {
          if (process.stdout.isTTY) process.stdout.write(`\u001b[8;${rows};${columns}t`);
        },
      });
      const exit = await runSession(
        connection,
        {
          terminal: { type: process.env["TERM"] || "xterm", size: terminalSize() },
          environment: { TELEPORT_SESSION: session.id, TELEPORT_SESSION_JOIN_MODE: mode },
        },
        {
          ...processStreams(),
          keys: (actions) => (mode === "observer" ? new ObserverKeys(actions) : new EscapeSequences(actions)),
        },
      );
      process.stderr.write(closedLine(new Date()));
      if (exitCodeOf(exit) !== 0) throw new ExitWith(exitCodeOf(exit));
    } finally {
      connection.disconnect("bye");
    }
  } finally {
    proxy.close();
  }
}

/** Where a client goes to join: the node, or what the recording proxy stands in for. */
function placeOf({ server_id, target }: LiveSession): Address {
  return parseAddress(target ?? server_id, ANY_PORT);
}

async function findSession(proxy: ProxyClient, client: Client, id: string): Promise<LiveSession> {
  const api: AuthApi = connectAuthThrough(proxy, client);
  try {
    return await api.getSession("default", id);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
    throw notFound(`session '${id}' not found or it has ended`, { cause: error });
  } finally {
    await api.close();
  }
}
