/** Joining a live session: another client on the same terminal. */
import { hasCode, notFound } from "../../errors/error.js";
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

/** Joins and stays until the session ends. Throws `not_found` where it is not live; see also runSession. */
export async function joinSession(client: Client, id: string, mode: JoinMode): Promise<void> {
  const proxy = await connectProxy(client);
  try {
    const session = await findSession(proxy, client, id);
    const node = { host: session.server_id, port: 0, login: session.login };
    const connection = await connectNode(client, proxy, node);
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
