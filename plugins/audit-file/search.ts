/**
 * Search through the daily files.
 *
 * Events are returned in the order of the log, which is that of their arrival, or in its exact reverse. `from` and
 * `to` hold for each event's own time, types for its exact name.
 */
import { open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import {
  badParameter,
  type AuditEvent,
  type AuditPage,
  type AuditQuery,
  type Logger,
} from "@teleport/plugin";
import { addDays, dayOf, dayOfFile } from "./day-file.js";
import { linesBackward, linesForward, type Line } from "./line-reader.js";
import { decodeCursor, encodeCursor, type SearchPosition } from "./search-cursor.js";
import { logError } from "./write-error.js";

/** A page ends before it would grow beyond this; one larger event makes a page of its own. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** Reads one page. Throws `bad_parameter` for a malformed query, `unavailable` where a file cannot be read. */
export async function searchLog(directory: string, query: AuditQuery, log: Logger): Promise<AuditPage> {
  const matches = matcher(query);
  const position = query.cursor === undefined ? undefined : decodeCursor(query.cursor, query.order);
  const events: AuditEvent[] = [];
  let pageBytes = 0;
  let last: SearchPosition | undefined;
  for await (const { file, line } of readLines(directory, query, position)) {
    const event = parseLine(line, file, log);
    if (event === undefined || !matches(event)) continue;
    const isFull = events.length >= query.limit || pageBytes + line.bytes.length > MAX_PAGE_BYTES;
    if (isFull && last !== undefined) return { events, next: encodeCursor(last, query.order) };
    events.push(event);
    pageBytes += line.bytes.length;
    last = { file, offset: query.order === "oldest-first" ? line.end : line.start };
  }
  return { events };
}

function matcher({ from, to, types = [], limit }: AuditQuery): (event: AuditEvent) => boolean {
  if (!Number.isSafeInteger(limit) || limit < 1) throw badParameter("limit must be a number from 1");
  if (Number.isNaN(from.getTime()) || Number.isNaN(to.getTime()))
    throw badParameter("from and to must be times");
  const names = new Set(types);
  return (event) => {
    const timeMs = Date.parse(event.time);
    return timeMs >= from.getTime() && timeMs <= to.getTime() && (names.size === 0 || names.has(event.event));
  };
}

async function* readLines(
  directory: string,
  query: AuditQuery,
  position: SearchPosition | undefined,
): AsyncGenerator<{ file: string; line: Line }> {
  const forward = query.order === "oldest-first";
  for (const name of await filesOf(directory, query)) {
    if (position !== undefined && (forward ? name < position.file : name > position.file)) continue;
    const offset = position?.file === name ? position.offset : undefined;
    const path = join(directory, name);
    let file: FileHandle | undefined;
    try {
      file = await open(path, "r");
      const { size } = await file.stat();
      const lines = forward
        ? linesForward(file, offset ?? 0, size)
        : linesBackward(file, Math.min(offset ?? size, size));
      for await (const line of lines) yield { file: name, line };
    } catch (error) {
      throw logError("read", path, error);
    } finally {
      await file?.close();
    }
  }
}

/** The files that can hold events of the span, in the order of the search. See {@link fileDay} for the neighbours. */
async function filesOf(directory: string, { from, to, order }: AuditQuery): Promise<string[]> {
  const first = addDays(dayOf(from), -1);
  const last = addDays(dayOf(to), 1);
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw logError("read", directory, error);
  }
  const files = names.filter((name) => {
    const day = dayOfFile(name);
    return day !== undefined && day >= first && day <= last;
  });
  files.sort();
  return order === "oldest-first" ? files : files.reverse();
}

/** A line that is no event (torn by a crash under 4.2, or damaged) is passed over, and said so. */
function parseLine(line: Line, file: string, log: Logger): AuditEvent | undefined {
  if (line.bytes.length === 0) return undefined;
  try {
    const event = JSON.parse(line.bytes.toString("utf8")) as Partial<AuditEvent> | null;
    if (typeof event?.event === "string" && typeof event.time === "string") return event as AuditEvent;
  } catch {
    // Reported below.
  }
  log.warn("a damaged line of the audit log is passed over", { file, offset: line.start });
  return undefined;
}
