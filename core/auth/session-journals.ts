/**
 * Recordings that hosts send while their sessions run (`session_recording: node-sync` and `proxy-sync`). They grow here as
 * journals; one that ends, or whose host falls silent, is finished and stored as an uploaded one.
 */
import { access, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorChain, notFound, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { fileError } from "../recording/file-error.js";
import { checkReceived, writeReceived } from "../recording/received-journal.js";
import { recoverRecording, type RecoveredRecording } from "../recording/recovery.js";
import { completedName, indexName, journalName, sessionOf } from "../recording/session-files.js";
import { checkSessionId } from "../recording/session-id.js";
import { acquireUploadLock } from "../recording/upload-lock.js";
import { createUploader } from "../recording/uploader.js";
import type { NamespaceStore } from "../resources/namespaces.js";
import type { SessionOwnerStore } from "../resources/session-owners.js";
import { createKeyedMutex } from "./keyed-mutex.js";
import { alreadyRecorded, type SessionAudit } from "./session-audit.js";

/** Between two looks for hosts that have fallen silent. */
const LOOK_MS = 5_000;
/**
 * Looks at which a journal was as before that make its host silent. Hosts show life every ten seconds and end a session
 * whose recording was not taken for ten. Looks are counted rather than time, of which much may pass while this process
 * is held up.
 */
const SILENT_LOOKS = 6;

/** Takes recordings under way. `hostId` is the sending host's: it can speak for no other. */
export interface SessionJournals {
  /**
   * Takes whole frames that belong at an offset of a session's journal: the same may be sent again, nothing can be changed
   * or taken back. They are on the disk when it resolves. Throws `access_denied` for another host's session and for an id
   * that is on record, `not_found` for a journal that is not or no longer open here, `compare_failed` for a gap.
   */
  append(sessionId: string, offset: number, frames: Uint8Array, hostId: string): Promise<void>;
  /** Finishes the recording, which is stored soon after. May be repeated. Throws like {@link append}. */
  finish(sessionId: string, hostId: string): Promise<void>;
  close(): Promise<void>;
}

/** What taking recordings needs. */
export interface SessionJournalsOptions {
  /** Where the journals grow; created when the first one comes. */
  readonly directory: string;
  readonly sessionAudit: SessionAudit;
  /** Whether a recording is stored. */
  readonly isStored: (sessionId: string) => Promise<boolean>;
  readonly namespaces: NamespaceStore;
  readonly owners: SessionOwnerStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Takes recordings, and finishes those that an earlier process has left. */
export function createSessionJournals(options: SessionJournalsOptions): SessionJournals {
  const { directory, sessionAudit, isStored, namespaces, owners, clock, log } = options;
  const mutex = createKeyedMutex();
  const quiet = new Map<string, { readonly modifiedMs: number; readonly looks: number }>();
  const stop = new AbortController();
  const uploader = createUploader({
    directory,
    upload: async (sessionId, archive) =>
      sessionAudit.upload(sessionId, archive.stream(), await owners.ownerOf(sessionId)),
    clock,
    log,
  });

  const refuseRecorded = async (sessionId: string): Promise<void> => {
    const waits = await Promise.all([indexName, completedName].map((name) => exists(name(sessionId))));
    if (waits.includes(true) || (await isStored(sessionId))) throw alreadyRecorded(sessionId);
  };
  const exists = (name: string): Promise<boolean> =>
    access(join(directory, name)).then(
      () => true,
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
        throw fileError("look for the recording", join(directory, name), error);
      },
    );

  /** Makes a journal a recording; two processes share the directory during a restart. */
  const finish = async (sessionId: string): Promise<RecoveredRecording | undefined> => {
    const release = await acquireUploadLock(directory, sessionId);
    if (release === undefined) throw unavailable("another process is finishing the recording");
    try {
      return await recoverRecording(directory, journalName(sessionId), { log });
    } finally {
      await release();
    }
  };

  /** The host can no longer tell the end of its session. */
  const finishSilent = async (sessionId: string): Promise<void> => {
    const { end } = (await mutex.run(sessionId, () => finish(sessionId))) ?? {};
    if (end !== undefined) await sessionAudit.emit({ ...end }, end.server_id);
  };

  const look = async (): Promise<void> => {
    const journals = await listJournals(directory);
    for (const sessionId of quiet.keys()) if (!journals.has(sessionId)) quiet.delete(sessionId);
    for (const [sessionId, modifiedMs] of journals) {
      const before = quiet.get(sessionId);
      const looks = before?.modifiedMs === modifiedMs ? before.looks + 1 : 0;
      quiet.set(sessionId, { modifiedMs, looks });
      if (looks < SILENT_LOOKS) continue;
      quiet.delete(sessionId);
      await finishSilent(sessionId).catch((error: unknown) => {
        log.error("cannot finish an interrupted recording; it is tried again", {
          sid: sessionId,
          error: errorChain(error),
        });
      });
    }
  };
  const watch = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await look().catch((error: unknown) => {
        log.error("cannot look for interrupted recordings", { error: errorChain(error) });
      });
      await clock.sleep(LOOK_MS, stop.signal).catch(() => undefined);
    }
  };
  const watching = watch();

  return {
    async append(sessionId, offset, frames, hostId) {
      checkSessionId(sessionId);
      if (offset === 0 || frames.length > 0) {
        const known = (await namespaces.list()).map(({ metadata }) => metadata.name);
        await checkReceived(frames, offset, { sessionId, serverId: hostId, namespaces: known });
      }
      await sessionAudit.requireOwnSession(sessionId, hostId);
      await mutex.run(sessionId, async () => {
        if (offset === 0) await refuseRecorded(sessionId);
        await writeReceived(join(directory, journalName(sessionId)), offset, frames);
      });
    },
    async finish(sessionId, hostId) {
      checkSessionId(sessionId);
      await sessionAudit.requireOwnSession(sessionId, hostId);
      await mutex.run(sessionId, async () => {
        if (await exists(journalName(sessionId))) await finish(sessionId);
        else if (!(await exists(completedName(sessionId))) && !(await isStored(sessionId))) {
          throw notFound("the recording is not under way here");
        }
      });
      void uploader.scan();
    },
    async close() {
      stop.abort();
      await watching;
      await uploader.close();
    },
  };
}

/** The sessions whose journals are open, and when each was last written to. */
async function listJournals(directory: string): Promise<Map<string, number>> {
  const journals = new Map<string, number>();
  try {
    for (const name of await readdir(directory)) {
      const sessionId = sessionOf(name);
      if (sessionId === undefined || name !== journalName(sessionId)) continue;
      const found = await stat(join(directory, name)).catch((error: unknown) => {
        // It was finished meanwhile.
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      });
      if (found !== undefined) journals.set(sessionId, found.mtimeMs);
    }
    return journals;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return journals;
    throw fileError("read the directory of recordings", directory, error);
  }
}
