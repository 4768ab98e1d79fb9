/**
 * Records one session. Nothing but a journal is written while the session runs; closing turns it into the files that 4.2
 * uploads and plays (wire.md §9.4). See recovery.ts for what happens after a crash.
 */
import { randomUUID } from "node:crypto";
import { access, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { accessDenied, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { finishRecording } from "./finish.js";
import { FrameType, type Frame } from "./journal-frame.js";
import { Journal, type JournalHeader } from "./journal.js";
import { thisProcess } from "./process-identity.js";
import { completedName, indexName, journalName, unfinishedName } from "./session-files.js";
import { checkSessionId } from "./session-id.js";

/** An event as the caller gives it to {@link Recorder.event}. */
export interface RecorderEvent {
  readonly event: string;
  readonly code: string;
  readonly [field: string]: unknown;
}

/** An event as it was recorded; the audit log must get it with the same `ei` and `uid`. */
export interface RecordedEvent extends RecorderEvent {
  readonly sid: string;
  readonly namespace: string;
  readonly server_id: string;
  readonly time: string;
  readonly uid: string;
  readonly ei: number;
}

/** A recording under way. The methods may be called concurrently and keep their order. */
export interface Recorder {
  readonly sessionId: string;
  /**
   * Records terminal output. Resolves when the bytes outlive this process; await it before reading more from the
   * terminal. Rejects with `unavailable` when they cannot be written: a strict session must then end.
   */
  print(data: Uint8Array): Promise<void>;
  /** Records an event, with `sid`, `namespace`, `server_id`, `time`, `uid` and the next `ei` added. */
  event(event: RecorderEvent): Promise<RecordedEvent>;
  /** Finishes the recording and marks it for upload. Idempotent. Rejects where that failed; recovery tries again. */
  close(): Promise<void>;
  /** Removes the recording of a session that never began; nothing is left to upload. */
  discard(): Promise<void>;
  /** Resolves, also while nothing is recorded, when nothing more can be. */
  readonly failed: Promise<Error>;
}

/** Where a recorder's frames go. */
export interface JournalSink {
  /** Appends a frame. Concurrent appends keep their order; a failure is final. */
  append(frame: Frame): Promise<void>;
  /** Finishes the recording: no frame follows. */
  finish(): Promise<void>;
  /** Drops what there is of a session that never began. */
  discard(): Promise<void>;
  /** Resolves with the first failure. */
  readonly failed: Promise<Error>;
}

/** Whose recording it is. */
export interface RecordedSession {
  readonly sessionId: string;
  readonly namespace: string;
  /** The UUID of the recording host; auth refuses recordings that name another. */
  readonly serverId: string;
  readonly clock: Clock;
}

/** What a recorder on the host itself needs. */
export interface RecorderOptions extends RecordedSession {
  /** The upload directory: `<data_dir>/log/upload/sessions/default`. Created when absent. */
  readonly directory: string;
  readonly log: Logger;
}

/** Terminal output of one print line; longer output is split. */
const MAX_PRINT_BYTES = 256 * 1024;

/** The first frame of a session's journal. */
export function journalHeader({ sessionId, namespace, serverId }: RecordedSession): JournalHeader {
  return { version: 1, sid: sessionId, namespace, server_id: serverId, writer: thisProcess() };
}

/** Records into a journal that has its header. */
export function recordInto(session: RecordedSession, journal: JournalSink): Recorder {
  return new JournalRecorder(session, journal);
}

/**
 * Starts a recording that waits on this host for its upload. Throws `bad_parameter` for a malformed id, `access_denied` for one whose recording still waits
 * for its upload here, `unavailable` where the file cannot be made.
 */
export async function createRecorder(options: RecorderOptions): Promise<Recorder> {
  checkSessionId(options.sessionId);
  await refuseRecorded(options);
  const path = join(options.directory, journalName(options.sessionId));
  const journal = await Journal.create(path, journalHeader(options), options.clock);
  return recordInto(options, new LocalJournal(options, journal));
}

/** A journal on this host. */
class LocalJournal implements JournalSink {
  readonly failed: Promise<Error>;
  readonly #options: RecorderOptions;
  readonly #journal: Journal;

  constructor(options: RecorderOptions, journal: Journal) {
    this.#options = options;
    this.#journal = journal;
    this.failed = journal.failed;
  }

  append(frame: Frame): Promise<void> {
    return this.#journal.append(frame);
  }

  async finish(): Promise<void> {
    const { directory, sessionId, log } = this.#options;
    try {
      await this.#journal.close();
      await finishRecording(directory, sessionId, { log });
    } catch (error) {
      // The name frees the journal for recovery, which leaves those of running processes alone.
      await rename(this.#journal.path, join(directory, unfinishedName(sessionId))).catch(() => undefined);
      throw error;
    }
  }

  discard(): Promise<void> {
    return this.#journal.close().finally(() => rm(this.#journal.path, { force: true }));
  }
}

class JournalRecorder implements Recorder {
  readonly sessionId: string;
  readonly failed: Promise<Error>;
  readonly #session: RecordedSession;
  readonly #journal: JournalSink;
  #nextIndex = 0;
  #closing: Promise<void> | undefined;

  constructor(session: RecordedSession, journal: JournalSink) {
    this.sessionId = session.sessionId;
    this.failed = journal.failed;
    this.#session = session;
    this.#journal = journal;
  }

  async print(data: Uint8Array): Promise<void> {
    this.#checkOpen();
    const timeMs = this.#session.clock.now().getTime();
    const appends: Promise<void>[] = [];
    for (let start = 0; start < data.length; start += MAX_PRINT_BYTES) {
      const part = data.subarray(start, start + MAX_PRINT_BYTES);
      this.#nextIndex++;
      const payload = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
      appends.push(this.#journal.append({ type: FrameType.print, timeMs, payload }));
    }
    await Promise.all(appends);
  }

  async event(event: RecorderEvent): Promise<RecordedEvent> {
    this.#checkOpen();
    const recorded: RecordedEvent = {
      ...event,
      sid: this.sessionId,
      namespace: this.#session.namespace,
      server_id: this.#session.serverId,
      time: typeof event["time"] === "string" ? event["time"] : this.#session.clock.now().toISOString(),
      uid: typeof event["uid"] === "string" ? event["uid"] : randomUUID(),
      ei: this.#nextIndex++,
    };
    await this.#journal.append({ type: FrameType.event, payload: Buffer.from(JSON.stringify(recorded)) });
    return recorded;
  }

  close(): Promise<void> {
    this.#closing ??= this.#journal.finish();
    return this.#closing;
  }

  discard(): Promise<void> {
    this.#closing ??= this.#journal.discard();
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw unavailable(`the recording of session ${this.sessionId} is closed`);
  }
}

/** Finishing a second recording under the id would keep the first one's files and drop the second's journal. */
async function refuseRecorded({ directory, sessionId }: RecorderOptions): Promise<void> {
  for (const nameOf of [journalName, unfinishedName, indexName, completedName]) {
    const exists = await access(join(directory, nameOf(sessionId))).then(
      () => true,
      () => false,
    );
    if (exists) {
      throw accessDenied(`a session with the id ${sessionId} is on record already: choose another id`);
    }
  }
}
