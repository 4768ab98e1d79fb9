import { createReadStream } from "node:fs";
import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../plugin/logger.js";
import { syncDirectory, writeWhole } from "./durable-file.js";
import { fileError } from "./file-error.js";
import { GzipFile } from "./gzip-file.js";
import { decodeFrames, FrameType } from "./journal-frame.js";
import type { RecordedEvent } from "./recorder.js";
import {
  chunksName,
  completedName,
  eventsName,
  indexName,
  journalName,
  type IndexEntry,
  type PrintEvent,
} from "./session-files.js";

/** What a journal was found to hold. */
export interface JournalSummary {
  readonly sessionId: string;
  /** The `session.start` event, where one was recorded. */
  readonly start?: RecordedEvent | undefined;
  /** Whether a `session.end` was recorded. */
  readonly ended: boolean;
  /** The users of `session.start` and `session.join`, in order. */
  readonly participants: readonly string[];
  /** Time of the last frame, Unix milliseconds; 0 in an empty journal. */
  readonly lastTimeMs: number;
  /** The index that the next event takes; 0 in an empty journal. */
  readonly nextIndex: number;
}

/** Options of {@link finishRecording}. */
export interface FinishOptions {
  readonly log: Logger;
  /** The journal's file name, where it is not the usual one. */
  readonly journal?: string | undefined;
  /** Gives a closing event for a recording that has none. */
  readonly closing?: ((summary: JournalSummary) => RecordedEvent | undefined) | undefined;
}

/**
 * Turns a session's journal into index, events and chunks, marks them completed and removes the journal. May be
 * repeated after a crash at any point: every file appears whole, and the journal goes last.
 */
export async function finishRecording(
  directory: string,
  sessionId: string,
  options: FinishOptions,
): Promise<JournalSummary | undefined> {
  const journal = join(directory, options.journal ?? journalName(sessionId));
  try {
    let summary: JournalSummary | undefined;
    if (!(await exists(join(directory, completedName(sessionId))))) {
      summary = await writeFiles(directory, sessionId, journal, options);
      await syncDirectory(directory);
      await writeWhole(join(directory, completedName(sessionId)), "completed");
      await syncDirectory(directory);
    }
    await rm(journal, { force: true });
    return summary;
  } catch (error) {
    throw fileError("finish the recording", journal, error);
  }
}

async function writeFiles(
  directory: string,
  sessionId: string,
  journal: string,
  options: FinishOptions,
): Promise<JournalSummary> {
  const index: IndexEntry[] = [{ file_name: eventsName(sessionId, 0), type: "events", index: 0, offset: 0 }];
  const events = await GzipFile.create(join(directory, eventsName(sessionId, 0)));
  let chunks: GzipFile | undefined;
  try {
    const scan = new JournalScan(sessionId);
    const onTorn = (offset: number): void => {
      options.log.warn("recording ends in a torn frame, which is left out", { sid: sessionId, offset });
    };
    for await (const frame of decodeFrames(createReadStream(journal), onTorn)) {
      if (frame.type === FrameType.event) {
        await events.write(scan.event(frame.payload));
      } else if (frame.type === FrameType.print) {
        await events.write(scan.print(frame.timeMs, frame.payload.length));
        chunks ??= await GzipFile.create(join(directory, chunksName(sessionId, 0)));
        await chunks.write(frame.payload);
      }
    }
    const closing = scan.summary.ended ? undefined : options.closing?.(scan.summary);
    if (closing !== undefined) await events.write(scan.event(Buffer.from(JSON.stringify(closing))));
    await events.finish();
    if (chunks !== undefined) {
      await chunks.finish();
      index.push({ file_name: chunksName(sessionId, 0), type: "chunks", index: 0, offset: 0 });
    }
    const lines = index.map((entry) => `${JSON.stringify(entry)}\n`).join("");
    await writeWhole(join(directory, indexName(sessionId)), lines);
    return scan.summary;
  } catch (error) {
    await events.discard();
    await chunks?.discard();
    throw error;
  }
}

/** Numbers the frames of a journal as they pass and remembers what a closing event needs. */
class JournalScan {
  readonly #sessionId: string;
  #start: RecordedEvent | undefined;
  #ended = false;
  #participants: string[] = [];
  #lastTimeMs = 0;
  #firstPrintMs: number | undefined;
  #index = 0;
  #chunk = 0;
  #offset = 0;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  get summary(): JournalSummary {
    return {
      sessionId: this.#sessionId,
      start: this.#start,
      ended: this.#ended,
      participants: this.#participants,
      lastTimeMs: this.#lastTimeMs,
      nextIndex: this.#index,
    };
  }

  event(json: Buffer): Buffer {
    const event = JSON.parse(json.toString("utf8")) as RecordedEvent;
    if (event.event === "session.start") this.#start ??= event;
    if (event.event === "session.end") this.#ended = true;
    if (event.event === "session.start" || event.event === "session.join") {
      if (typeof event["user"] === "string") this.#participants.push(event["user"]);
    }
    this.#index = event.ei + 1;
    const timeMs = Date.parse(event.time);
    if (!Number.isNaN(timeMs)) this.#lastTimeMs = Math.max(this.#lastTimeMs, timeMs);
    return Buffer.concat([json, NEWLINE]);
  }

  print(timeMs: number, bytes: number): Buffer {
    this.#firstPrintMs ??= timeMs;
    this.#lastTimeMs = Math.max(this.#lastTimeMs, timeMs);
    const line: PrintEvent = {
      time: new Date(timeMs).toISOString(),
      event: "print",
      bytes,
      // The wall clock may step back; players need delays that never do.
      ms: Math.max(0, Math.round(this.#lastTimeMs - this.#firstPrintMs)),
      offset: this.#offset,
      ei: this.#index++,
      ci: this.#chunk++,
    };
    this.#offset += bytes;
    return Buffer.from(`${JSON.stringify(line)}\n`);
  }
}

const NEWLINE = Buffer.from("\n");

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
