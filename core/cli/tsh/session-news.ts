/**
 * What a node tells its clients of a shared session: audit events in global requests `x-teleport-event` (as 4.2 sends
 * them), so that every party's terminal follows the session's size and knows who is there.
 */
import type { PeerRequest, SshConnection } from "../../ssh/contract.js";
import { terminalText } from "../terminal-text.js";
import type { TerminalSize } from "./remote-process.js";

/** Takes what happens in the session. */
export interface SessionListener {
  readonly resized: (size: TerminalSize) => void;
  /** A line about the parties, without a line end. */
  readonly told: (line: string) => void;
}

const REQUEST = "x-teleport-event";
const MAX_CELLS = 10_000;

/** Listens until the connection ends. Events that cannot be read are ignored, as those that mean nothing here are. */
export function onSessionNews(connection: SshConnection, listener: SessionListener): void {
  connection.onGlobalRequest(REQUEST, (request) => {
    handle(readEvent(request), listener);
    return true;
  });
}

function handle(event: Readonly<Record<string, unknown>>, listener: SessionListener): void {
  const { event: kind, user, size } = event;
  const name = typeof user === "string" ? terminalText(user) : "somebody";
  if (kind === "session.join") listener.told(`${name} has joined the session`);
  if (kind === "session.leave") listener.told(`${name} has left the session`);
  const terminal = kind === "resize" || kind === "session.join" ? parseSize(size) : undefined;
  if (terminal !== undefined) listener.resized(terminal);
}

function readEvent({ payload }: PeerRequest): Readonly<Record<string, unknown>> {
  try {
    const event: unknown = JSON.parse(payload.toString("utf8"));
    return typeof event === "object" && event !== null ? (event as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Sizes are `columns:rows`. */
function parseSize(text: unknown): TerminalSize | undefined {
  const [, columns, rows] = (typeof text === "string" ? /^(\d{1,5}):(\d{1,5})$/.exec(text) : null) ?? [];
  const size = { columns: Number(columns), rows: Number(rows) };
  const fits = (cells: number): boolean => cells > 0 && cells <= MAX_CELLS;
  return fits(size.columns) && fits(size.rows) ? size : undefined;
}
