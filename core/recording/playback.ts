/** Reads stored recordings for players: archives are unpacked once into a cache and read from there. */
import { access, mkdir, open, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { badParameter, corrupt, errorMessage, hasCode, notFound } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import type { Logger } from "../plugin/logger.js";
import type { RecordingStore } from "../plugin/recording.js";
import { fileError } from "./file-error.js";
import type { SessionScreen, SessionTimeline, TimelineStart } from "../resources/timeline.js";
import { readScreenParts } from "./checkpoints.js";
import { readEventPage, type EventPage, type PlaybackEvent } from "./event-pages.js";
import { readParticipants } from "./participants.js";
import { indexName } from "./session-files.js";
import { checkSessionId } from "./session-id.js";
import { momentBefore, readTimeline } from "./timeline.js";
import {
  CHECKPOINTS_FILE,
  EVENTS_FILE,
  OUTPUT_FILE,
  PARTICIPANTS_FILE,
  TIMELINE_FILE,
  unpackFiles,
  unpackRecording,
} from "./unpack.js";

/** A reader of stored recordings. */
export interface Playback {
  /** The recorded lines in order, without the first `after`. Throws `bad_parameter`, `not_found`. */
  events(sessionId: string, after?: number): Promise<PlaybackEvent[]>;
  /** Recorded lines from a cursor on, without one from the first; about 1 MiB of them. Throws like {@link events}. */
  eventPage(sessionId: string, cursor?: string): Promise<EventPage>;
  /** A window of the frames, at most 5000. Costs no more in the middle of a long recording. Throws like {@link events}. */
  timeline(sessionId: string, start: TimelineStart, limit: number): Promise<SessionTimeline>;
  /** The screen before the frame of this index: at most 8 MiB of output to write. Throws like {@link events}. */
  screen(sessionId: string, index: number): Promise<SessionScreen>;
  /** The users who started or joined the session. Costs no more for a long recording. Throws like {@link events}. */
  participants(sessionId: string): Promise<readonly string[]>;
  /** Output from `offset` on, at most `maxBytes` and never more than {@link MAX_CHUNK_BYTES}; empty past the end. */
  chunk(sessionId: string, offset: number, maxBytes: number): Promise<Uint8Array>;
  /** Whether there is a recording under the id. Throws `bad_parameter`. */
  exists(sessionId: string): Promise<boolean>;
  /** Forgets the unpacked copy, since another archive was stored under the id. */
  forget(sessionId: string): Promise<void>;
  /** Removes copies that nobody read for three hours. Runs by itself on every read; idempotent. */
  purge(): Promise<void>;
}

/** What a playback needs. */
export interface PlaybackOptions {
  readonly store: RecordingStore;
  /** `<data_dir>/log/playbacks/sessions/default`: holds unpacked copies. Created when absent. */
  readonly cacheDirectory: string;
  /** Where 4.2 keeps recordings unpacked: `<data_dir>/log/<host uuid>/sessions/default`. Read when the store has none. */
  readonly unpackedDirectory?: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The most that {@link Playback.chunk} returns. */
export const MAX_CHUNK_BYTES = 5 * 1024 * 1024;
const KEEP_MS = 3 * 3600 * 1000;
const PURGE_INTERVAL_MS = 10 * 60 * 1000;

/** Makes a playback over a store. */
export function createPlayback(options: PlaybackOptions): Playback {
  return new CachedPlayback(options);
}

class CachedPlayback implements Playback {
  readonly #options: PlaybackOptions;
  /** Unpackings under way, shared by all who ask for the same session. */
  readonly #unpacking = new Map<string, Promise<string>>();
  #nextPurgeMs = 0;

  constructor(options: PlaybackOptions) {
    this.#options = options;
  }

  async events(sessionId: string, after = 0): Promise<PlaybackEvent[]> {
    const events: PlaybackEvent[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.eventPage(sessionId, cursor);
      events.push(...page.events.filter(({ id }) => id >= after));
      cursor = page.next;
    } while (cursor !== undefined);
    return events;
  }

  async eventPage(sessionId: string, cursor?: string): Promise<EventPage> {
    return readEventPage(join(await this.#unpacked(sessionId), EVENTS_FILE), sessionId, cursor);
  }

  async participants(sessionId: string): Promise<readonly string[]> {
    return readParticipants(join(await this.#unpacked(sessionId), PARTICIPANTS_FILE));
  }

  async timeline(sessionId: string, start: TimelineStart, limit: number): Promise<SessionTimeline> {
    for (const value of [...Object.values(start), limit]) requireNatural(value, "a place in a recording");
    return readTimeline(join(await this.#unpacked(sessionId), TIMELINE_FILE), start, limit);
  }

  async screen(sessionId: string, index: number): Promise<SessionScreen> {
    requireNatural(index, "a place in a recording");
    const directory = await this.#unpacked(sessionId);
    const { elapsedMs, outputBytes, size } = await momentBefore(join(directory, TIMELINE_FILE), index);
    return { elapsedMs, size, parts: await readScreenParts(join(directory, CHECKPOINTS_FILE), outputBytes) };
  }

  async chunk(sessionId: string, offset: number, maxBytes: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(offset) || offset < 0 || !(maxBytes >= 0)) {
      throw badParameter("offset and bytes must be numbers from 0");
    }
    const file = await open(join(await this.#unpacked(sessionId), OUTPUT_FILE), "r");
    try {
      const { size } = await file.stat();
      const length = Math.max(0, Math.min(Math.floor(maxBytes), MAX_CHUNK_BYTES, size - offset));
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async exists(sessionId: string): Promise<boolean> {
    checkSessionId(sessionId);
    const { store, unpackedDirectory } = this.#options;
    try {
      // Cheaper than a stat, for which a store may have to read all of it.
      for await (const _ of store.download(sessionId)) break;
      return true;
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
    }
    return unpackedDirectory !== undefined && exists(join(unpackedDirectory, indexName(sessionId)));
  }

  async forget(sessionId: string): Promise<void> {
    checkSessionId(sessionId);
    await this.#unpacking.get(sessionId)?.catch(() => undefined);
    await rm(this.#cached(sessionId), { recursive: true, force: true });
  }

  async purge(): Promise<void> {
    const { cacheDirectory, clock, log } = this.#options;
    const nowMs = clock.now().getTime();
    if (nowMs < this.#nextPurgeMs) return;
    this.#nextPurgeMs = nowMs + PURGE_INTERVAL_MS;
    try {
      await mkdir(cacheDirectory, { recursive: true, mode: 0o700 });
      for (const name of await readdir(cacheDirectory)) {
        const path = join(cacheDirectory, name);
        if (nowMs - (await stat(path)).mtimeMs > KEEP_MS) await rm(path, { recursive: true, force: true });
      }
    } catch (error) {
      log.warn("cannot tidy the playback cache", { directory: cacheDirectory, error: errorMessage(error) });
    }
  }

  /** The directory with the session's unpacked recording. */
  async #unpacked(sessionId: string): Promise<string> {
    checkSessionId(sessionId);
    await this.purge();
    const directory = this.#cached(sessionId);
    const now = this.#options.clock.now();
    try {
      // An older version left copies without this file, which are made anew.
      await access(join(directory, PARTICIPANTS_FILE));
      // The time of a copy is that of its last use.
      await utimes(directory, now, now);
      return directory;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        throw fileError("read the recording", directory, error);
    }
    let unpacking = this.#unpacking.get(sessionId);
    if (unpacking === undefined) {
      unpacking = this.#unpack(sessionId, directory).finally(() => this.#unpacking.delete(sessionId));
      this.#unpacking.set(sessionId, unpacking);
    }
    return unpacking;
  }

  async #unpack(sessionId: string, directory: string): Promise<string> {
    const { store, unpackedDirectory, clock } = this.#options;
    try {
      await unpackRecording(store.download(sessionId), sessionId, directory);
    } catch (error) {
      if (!hasCode(error, "not_found")) throw unpackError(sessionId, directory, error);
      if (unpackedDirectory === undefined || !(await exists(join(unpackedDirectory, indexName(sessionId))))) {
        throw notFound(
          `the recording of session ${sessionId} is not found: the session goes on, or was not recorded`,
          { cause: error },
        );
      }
      await unpackFiles(unpackedDirectory, sessionId, directory);
    }
    await utimes(directory, clock.now(), clock.now());
    return directory;
  }

  #cached(sessionId: string): string {
    return join(this.#options.cacheDirectory, sessionId);
  }
}

/** Tells an archive that is damaged from one that cannot be fetched or unpacked just now. */
function unpackError(sessionId: string, directory: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined) return fileError("unpack the recording to", directory, error);
  const isDamaged = hasCode(error, "bad_parameter") || code?.startsWith("Z_") === true;
  return isDamaged ? corrupt(`the recording of session ${sessionId} is damaged`, { cause: error }) : error;
}

function requireNatural(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw badParameter(`${what} must be a number from 0`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
