/** Where `tsh play` reads a recording from: the auth API, or an archive on this machine. */
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuthApi, SessionEventPage } from "../../../auth/client/api.js";
import { badParameter, hasCode, internal } from "../../../errors/error.js";
import { systemClock } from "../../../plugin/clock.js";
import { silentLogger } from "../../../plugin/logger.js";
import type { RecordingStore } from "../../../plugin/recording.js";
import { fileError } from "../../../recording/file-error.js";
import { FrameReader } from "../../../recording/frames.js";
import { createPlayback } from "../../../recording/playback.js";
import { sessionOf } from "../../../recording/session-files.js";
import { readUstar } from "../../../recording/ustar.js";
import type {
  SessionFrame,
  SessionScreen,
  SessionTimeline,
  TimelineStart,
} from "../../../resources/timeline.js";

/** A recording that can be read anywhere without reading all of it. */
export interface RecordingSource {
  readonly sessionId: string;
  timeline(start: TimelineStart, limit: number): Promise<SessionTimeline>;
  screen(index: number): Promise<SessionScreen>;
  /** Output from `offset` on; empty past the end. */
  chunk(offset: number, maxBytes: number): Promise<Uint8Array>;
  eventPage(cursor?: string): Promise<SessionEventPage>;
}

/** What of the auth API a player needs. */
export type RecordingApi = Pick<
  AuthApi,
  "getSessionTimeline" | "getSessionScreen" | "getSessionChunk" | "getSessionEventPage" | "getSessionEvents"
>;

/** A recording of the cluster. Throws `not_found`, and `access_denied` where the user may not see it. */
export async function openClusterRecording(api: RecordingApi, sessionId: string): Promise<RecordingSource> {
  try {
    await api.getSessionTimeline(sessionId, { index: 0 }, 1);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
    // A 4.2 server knows no timelines; where the recording is what is missing, this says so.
    return olderServersRecording(api, sessionId, await api.getSessionEvents(sessionId));
  }
  return {
    sessionId,
    timeline: (start, limit) => api.getSessionTimeline(sessionId, start, limit),
    screen: (index) => api.getSessionScreen(sessionId, index),
    chunk: (offset, maxBytes) => api.getSessionChunk(sessionId, offset, maxBytes),
    eventPage: (cursor) => api.getSessionEventPage(sessionId, cursor),
  };
}

/** Uses an archive (`<session>.tar`, as 4.x stores it). Its unpacked copy is removed afterwards. */
export async function withRecordingFile<T>(
  path: string,
  use: (source: RecordingSource) => Promise<T>,
): Promise<T> {
  const sessionId = await sessionInArchive(path);
  const folder = await mkdtemp(join(tmpdir(), "tsh-play-"));
  try {
    const playback = createPlayback({
      store: storeOf(path),
      cacheDirectory: folder,
      clock: systemClock,
      log: silentLogger,
    });
    return await use({
      sessionId,
      timeline: (start, limit) => playback.timeline(sessionId, start, limit),
      screen: (index) => playback.screen(sessionId, index),
      chunk: (offset, maxBytes) => playback.chunk(sessionId, offset, maxBytes),
      eventPage: (cursor) => playback.eventPage(sessionId, cursor),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** With all events in memory, as 4.2's clients have them; screens are painted from the start. */
function olderServersRecording(
  api: RecordingApi,
  sessionId: string,
  events: Record<string, unknown>[],
): RecordingSource {
  const reader = new FrameReader();
  const frames = events.map((event) => reader.read(event)).filter((frame) => frame !== undefined);
  return {
    sessionId,
    chunk: (offset, maxBytes) => api.getSessionChunk(sessionId, offset, maxBytes),
    eventPage: async () => ({ events }),
    timeline: async (start, limit) => {
      const index =
        "index" in start
          ? Math.min(start.index, frames.length)
          : 1 + frames.findLastIndex(({ elapsedMs }) => elapsedMs <= start.elapsedMs);
      const durationMs = frames.at(-1)?.elapsedMs ?? 0;
      return { durationMs, frameCount: frames.length, index, frames: frames.slice(index, index + limit) };
    },
    screen: async (index) => screenOf(frames.slice(0, index)),
  };
}

function screenOf(shown: readonly SessionFrame[]): SessionScreen {
  const last = shown.at(-1);
  const bytes = last === undefined ? 0 : last.offset + last.bytes;
  const size = shown.findLast((frame) => frame.size !== undefined)?.size;
  return { elapsedMs: last?.elapsedMs ?? 0, size, parts: [{ modes: "", offset: 0, bytes }] };
}

async function sessionInArchive(path: string): Promise<string> {
  try {
    for await (const { name } of readUstar(createReadStream(path))) {
      const sessionId = sessionOf(name);
      if (sessionId !== undefined) return sessionId;
      break;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw fileError("read", path, error);
  }
  throw badParameter(`${path} is not a session recording of Teleport 4.x`);
}

function storeOf(path: string): RecordingStore {
  const readOnly = (): never => {
    throw internal("a recording file is only read");
  };
  return {
    download: () => createReadStream(path),
    upload: async () => readOnly(),
    stat: async () => readOnly(),
    close: async () => undefined,
  };
}
