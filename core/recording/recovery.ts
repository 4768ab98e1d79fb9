import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { corrupt, errorChain } from "../errors/error.js";
import type { Logger } from "../plugin/logger.js";
import { isPartialName } from "./durable-file.js";
import { fileError } from "./file-error.js";
import { finishRecording, type JournalSummary } from "./finish.js";
import { decodeFrames, FrameType } from "./journal-frame.js";
import type { JournalHeader } from "./journal.js";
import { isProcessIdentity, isRunning } from "./process-identity.js";
import type { RecordedEvent } from "./recorder.js";
import { journalName, sessionOf, unfinishedName } from "./session-files.js";

/** A recording that {@link recoverRecordings} finished. */
export interface RecoveredRecording {
  readonly sessionId: string;
  /** The `session.end` that was added; the audit log must get it too. Absent where the session had ended. */
  readonly end?: RecordedEvent | undefined;
}

/**
 * Finishes the recordings whose writers died or failed, so that the uploader takes them. Recordings of running
 * processes are left alone. One that cannot be finished (a full disk) is logged and stays for the next time.
 */
export async function recoverRecordings(
  directory: string,
  options: { readonly log: Logger },
): Promise<RecoveredRecording[]> {
  const recovered: RecoveredRecording[] = [];
  for (const name of await list(directory)) {
    const sessionId = sessionOf(name);
    if (sessionId === undefined) continue;
    const orphaned = name === unfinishedName(sessionId) || name === journalName(sessionId);
    if (!orphaned) continue;
    try {
      const { header } = await readHeader(join(directory, name));
      if (name === journalName(sessionId) && isRunning(header.writer)) continue;
      const recording = await recoverRecording(directory, name, options);
      if (recording !== undefined) recovered.push(recording);
    } catch (error) {
      options.log.error("cannot finish an interrupted recording; it stays until the next start", {
        sid: sessionId,
        error: errorChain(error),
      });
    }
  }
  return recovered;
}

/**
 * Finishes one recording that nobody writes any more, giving it an end where it has none. Undefined for an empty one,
 * which is removed. Throws where it cannot be finished; the journal then stays.
 */
export async function recoverRecording(
  directory: string,
  journal: string,
  { log }: { readonly log: Logger },
): Promise<RecoveredRecording | undefined> {
  const { header, empty } = await readHeader(join(directory, journal));
  if (empty) {
    await rm(join(directory, journal));
    return undefined;
  }
  const sessionId = header.sid;
  let end: RecordedEvent | undefined;
  const closing = (summary: JournalSummary): RecordedEvent | undefined => {
    end = interruptedEnd(header, summary);
    return end;
  };
  await removePartials(directory, sessionId);
  await finishRecording(directory, sessionId, { log, journal, closing });
  if (end !== undefined) log.warn("finished a recording that was interrupted", { sid: sessionId });
  return { sessionId, end };
}

/** The end that a session which was cut off never had; shaped as 4.2's, with `interrupted` added. */
function interruptedEnd(header: JournalHeader, summary: JournalSummary): RecordedEvent {
  const interactive = typeof summary.start?.["size"] === "string";
  return {
    event: "session.end",
    code: "T2004I",
    time: new Date(summary.lastTimeMs).toISOString(),
    uid: randomUUID(),
    sid: header.sid,
    namespace: header.namespace,
    server_id: header.server_id,
    ei: summary.nextIndex,
    interactive,
    enhanced_recording: false,
    participants: summary.participants,
    ...(interactive ? { user: summary.start?.["user"] } : {}),
    interrupted: true,
  };
}

/** Reads a journal's header, and whether anything was recorded behind it. Throws `corrupt`. */
async function readHeader(path: string): Promise<{ header: JournalHeader; empty: boolean }> {
  let header: JournalHeader | undefined;
  for await (const frame of decodeFrames(createReadStream(path))) {
    if (header !== undefined) return { header, empty: false };
    if (frame.type !== FrameType.header) break;
    header = JSON.parse(frame.payload.toString("utf8")) as JournalHeader;
    if (!isProcessIdentity(header.writer) || sessionOf(basename(path)) !== header.sid) break;
  }
  if (header === undefined) throw corrupt(`the recording ${path} has no readable header`);
  return { header, empty: true };
}

async function removePartials(directory: string, sessionId: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(sessionId) && isPartialName(name)) await rm(join(directory, name), { force: true });
  }
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw fileError("read the directory of recordings", directory, error);
  }
}
