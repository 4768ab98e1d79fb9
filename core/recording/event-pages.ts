import { createReadStream } from "node:fs";
import { badParameter, corrupt } from "../errors/error.js";
import { MAX_LINE_BYTES, splitLines } from "./lines.js";

/** A recorded event or print line, with `id`, its line number from 0. */
export type PlaybackEvent = Record<string, unknown> & { readonly id: number };

/** Some of a recording's lines. */
export interface EventPage {
  readonly events: PlaybackEvent[];
  /** Where the next page starts; absent after the last. */
  readonly next?: string;
}

const PAGE_BYTES = 1024 * 1024;

/** Reads the lines of an events file from a cursor on. Throws `bad_parameter`, and `corrupt` for a damaged line. */
export async function readEventPage(path: string, sessionId: string, cursor = "0-0"): Promise<EventPage> {
  const [, line, offset] = /^(\d{1,15})-(\d{1,15})$/.exec(cursor) ?? [];
  if (offset === undefined) throw badParameter("the cursor is none that an earlier page gave");
  const events: PlaybackEvent[] = [];
  let id = Number(line);
  let at = Number(offset);
  for await (const text of splitLines(createReadStream(path, { start: at }), MAX_LINE_BYTES)) {
    if (at - Number(offset) >= PAGE_BYTES) return { events, next: `${id}-${at}` };
    at += text.length + 1;
    if (text.length > 0) events.push(parseEvent(text.toString("utf8"), id++, sessionId));
  }
  return { events };
}

function parseEvent(line: string, id: number, sessionId: string): PlaybackEvent {
  try {
    return { ...(JSON.parse(line) as Record<string, unknown>), id };
  } catch (error) {
    throw corrupt(`line ${id + 1} of the recording of session ${sessionId} is damaged`, { cause: error });
  }
}
