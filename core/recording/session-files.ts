/** Names and line formats of a recording's files (wire.md §9.4). */
import { isSessionId } from "./session-id.js";

/** What a recording's data file holds. */
export type RecordingFileType = "events" | "chunks" | "session.command" | "session.disk" | "session.network";

/** One line of `<sid>.index`. Fields are written in this order. */
export interface IndexEntry {
  readonly file_name: string;
  readonly type: RecordingFileType;
  /** Index of the first event of the file. */
  readonly index: number;
  /** Offset of the file's first byte in the session's output. */
  readonly offset: number;
}

/** A line of the events file that stands for one piece of terminal output. Fields are written in this order. */
export interface PrintEvent {
  readonly time: string;
  readonly event: "print";
  readonly bytes: number;
  /** Milliseconds since the first print of the session. */
  readonly ms: number;
  readonly offset: number;
  readonly ei: number;
  readonly ci: number;
}

/** The name of the session's index. */
export const indexName = (sessionId: string): string => `${sessionId}.index`;
/** The name of the marker that a recording is finished and waits for upload. */
export const completedName = (sessionId: string): string => `${sessionId}.completed`;
/** The name of the journal of a recording under way. */
export const journalName = (sessionId: string): string => `${sessionId}.journal`;
/** The name a journal is given when its recorder failed: whoever comes next may finish it. */
export const unfinishedName = (sessionId: string): string => `${sessionId}.unfinished`;
/** The name of the events file whose first event has this index. */
export const eventsName = (sessionId: string, index: number): string => `${sessionId}-${index}.events.gz`;
/** The name of the output file whose first byte has this offset. */
export const chunksName = (sessionId: string, offset: number): string => `${sessionId}-${offset}.chunks.gz`;

const DATA_NAME = /^-\d{1,16}\.(events|chunks|session\.(?:command|disk|network)-events)\.gz$/;

/** What a member of the session's archive holds, judged by its name; undefined for a name that has no place there. */
export function memberType(sessionId: string, name: string): RecordingFileType | "index" | undefined {
  if (!name.startsWith(sessionId)) return undefined;
  const rest = name.slice(sessionId.length);
  if (rest === ".index") return "index";
  const kind = DATA_NAME.exec(rest)?.[1];
  if (kind === undefined) return undefined;
  return kind.replace(/-events$/, "") as RecordingFileType;
}

/** The session a file of the upload directory belongs to; undefined for a foreign file. */
export function sessionOf(fileName: string): string | undefined {
  const sessionId = fileName.slice(0, 36);
  return isSessionId(sessionId) && /^[.-]/.test(fileName.slice(36)) ? sessionId : undefined;
}

/** Reads `<sid>.index`. Lines that name a file outside the session are refused by returning undefined. */
export function parseIndex(sessionId: string, text: string): readonly IndexEntry[] | undefined {
  const entries: IndexEntry[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    let entry: Partial<IndexEntry> | null;
    try {
      entry = JSON.parse(line) as Partial<IndexEntry> | null;
    } catch {
      return undefined;
    }
    if (typeof entry !== "object" || entry === null || typeof entry.file_name !== "string") return undefined;
    const type = memberType(sessionId, entry.file_name);
    if (type === undefined || type === "index" || type !== entry.type) return undefined;
    if (!Number.isSafeInteger(entry.index) || !Number.isSafeInteger(entry.offset)) return undefined;
    entries.push(entry as IndexEntry);
  }
  return entries;
}
