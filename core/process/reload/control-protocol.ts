/**
 * What passes through the control socket: the request as one line of JSON, then replies, one line of JSON each, of which
 * the last one has `end`.
 */
import { badParameter } from "../../errors/error.js";
import type { ReloadRequest } from "./reloads.js";

/** The socket's name in the data directory. */
export const CONTROL_SOCKET = "control.sock";
/** Longest line: a teleport.yaml and something around it. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** What the daemon says: a line for the terminal, or how it ended. */
export type ControlReply =
  | { readonly line: string }
  | { readonly end: "done" }
  | { readonly end: "failed"; readonly code: string; readonly error: string };

/** A reload as it is sent. */
export function encodeReload(request: ReloadRequest): string {
  return `${JSON.stringify({ command: "reload", ...request })}\n`;
}

/** Reads what {@link encodeReload} wrote. Throws `bad_parameter`. */
export function decodeReload(line: string): ReloadRequest {
  let request: Partial<ReloadRequest & { command: string }> | null;
  try {
    request = JSON.parse(line) as typeof request;
  } catch (cause) {
    throw badParameter("the request is not JSON", { cause });
  }
  if (request?.command !== "reload") {
    throw badParameter("the running daemon does not know this request: is it of another release?");
  }
  const { file, dryRun } = request;
  if (typeof file?.name !== "string" || typeof file.text !== "string" || typeof dryRun !== "boolean") {
    throw badParameter("the request to reload is incomplete");
  }
  return { file: { name: file.name, text: file.text }, dryRun };
}
