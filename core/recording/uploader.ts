/** Sends finished recordings from the upload directory to the auth service, and removes them when it has them. */
import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { corrupt, errorChain, hasCode, unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import { openArchive, type RecordingArchive } from "./archive.js";
import { syncDirectory } from "./durable-file.js";
import { fileError } from "./file-error.js";
import { completedName, indexName, sessionOf } from "./session-files.js";
import { acquireUploadLock } from "./upload-lock.js";

/**
 * Sends one archive. Resolves when the other side has stored it durably; where it reports the digest of what it
 * stored (lower-case hex SHA-256), a wrong one keeps the local copy. Call `archive.stream()` at most once.
 */
export type UploadFunction = (
  sessionId: string,
  archive: RecordingArchive,
) => Promise<{ sha256?: string } | void>;

/** What an uploader needs. */
export interface UploaderOptions {
  /** The recorders' directory. */
  readonly directory: string;
  readonly upload: UploadFunction;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two scans; 5 s when absent. */
  readonly intervalMs?: number | undefined;
}

/** Uploads in the background from {@link createUploader} on. */
export interface Uploader {
  /** Uploads what is due now and resolves when each attempt has ended. Never rejects for a failed upload. */
  scan(): Promise<void>;
  /** Stops scanning and waits for the uploads under way. Idempotent. */
  close(): Promise<void>;
}

const MAX_PARALLEL = 10;
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 5 * 60_000;

/** Starts an uploader: the directory is scanned at once and then at each interval, until it is closed. */
export function createUploader(options: UploaderOptions): Uploader {
  const uploader = new DirectoryUploader(options);
  uploader.start();
  return uploader;
}

interface Failure {
  readonly count: number;
  readonly retryAtMs: number;
}

class DirectoryUploader implements Uploader {
  readonly #options: UploaderOptions;
  readonly #stop = new AbortController();
  readonly #failures = new Map<string, Failure>();
  #scanning: Promise<void> | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: UploaderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  scan(): Promise<void> {
    this.#scanning ??= this.#scanOnce().finally(() => (this.#scanning = undefined));
    return this.#scanning;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#scanning;
  }

  async #run(): Promise<void> {
    const { clock, intervalMs = 5_000 } = this.#options;
    while (!this.#stop.signal.aborted) {
      await this.scan();
      await clock.sleep(intervalMs, this.#stop.signal).catch(() => undefined);
    }
  }

  async #scanOnce(): Promise<void> {
    const { clock, log, directory } = this.#options;
    let due: string[];
    try {
      const finished = await listFinished(directory);
      const nowMs = clock.now().getTime();
      due = finished.filter((sessionId) => (this.#failures.get(sessionId)?.retryAtMs ?? 0) <= nowMs);
    } catch (error) {
      log.error("cannot look for recordings to upload", { error: errorChain(error) });
      return;
    }
    const worker = async (): Promise<void> => {
      for (let next = due.shift(); next !== undefined; next = due.shift()) {
        if (this.#stop.signal.aborted) return;
        await this.#uploadOne(next);
      }
    };
    await Promise.all(Array.from({ length: MAX_PARALLEL }, worker));
  }

  async #uploadOne(sessionId: string): Promise<void> {
    const { directory, log } = this.#options;
    let release: (() => Promise<void>) | undefined;
    try {
      release = await acquireUploadLock(directory, sessionId);
      if (release === undefined) return; // Another process has it.
      await this.#send(sessionId);
      await removeRecording(directory, sessionId);
      this.#failures.delete(sessionId);
      log.info("uploaded the recording", { sid: sessionId });
    } catch (error) {
      const failure = this.#nextFailure(sessionId);
      this.#failures.set(sessionId, failure);
      log.warn("cannot upload the recording; it is kept and tried again", {
        sid: sessionId,
        attempts: failure.count,
        retryAt: new Date(failure.retryAtMs).toISOString(),
        error: errorChain(error),
      });
    } finally {
      await release?.();
    }
  }

  async #send(sessionId: string): Promise<void> {
    const { directory, upload } = this.#options;
    let archive: RecordingArchive;
    try {
      archive = await openArchive(directory, sessionId);
    } catch (error) {
      // The index is removed first after an upload: without one, only the removal was interrupted.
      if (hasCode(error, "not_found")) return;
      throw error;
    }
    const hash = createHash("sha256");
    let isSent = false;
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of archive.stream()) {
        hash.update(chunk);
        yield chunk;
      }
      isSent = true;
    };
    const stored = await upload(sessionId, { sizeBytes: archive.sizeBytes, stream });
    if (!isSent) throw unavailable("the upload ended before the whole recording was sent");
    if (stored?.sha256 !== undefined && stored.sha256 !== hash.digest("hex")) {
      throw corrupt("the stored recording differs from the one that was sent");
    }
  }

  /** Doubles the wait with each failure, with full jitter, so that many hosts do not come back at once. */
  #nextFailure(sessionId: string): Failure {
    const count = (this.#failures.get(sessionId)?.count ?? 0) + 1;
    const bound = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(count - 1, 16));
    const waitMs = FIRST_RETRY_MS + Math.random() * (bound - FIRST_RETRY_MS);
    return { count, retryAtMs: this.#options.clock.now().getTime() + waitMs };
  }
}

/** Session ids of the recordings that are marked completed. */
async function listFinished(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names.flatMap((name) => {
      const sessionId = sessionOf(name);
      return sessionId !== undefined && name === completedName(sessionId) ? [sessionId] : [];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw fileError("read the directory of recordings", directory, error);
  }
}

/** Removes the index first and the mark last, so that an interrupted removal is recognised and resumed. */
async function removeRecording(directory: string, sessionId: string): Promise<void> {
  const mark = completedName(sessionId);
  await rm(join(directory, indexName(sessionId)), { force: true });
  await syncDirectory(directory);
  for (const name of await readdir(directory)) {
    if (sessionOf(name) === sessionId && name.endsWith(".gz"))
      await rm(join(directory, name), { force: true });
  }
  await rm(join(directory, mark), { force: true });
}
