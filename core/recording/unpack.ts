import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline as connect } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { corrupt, limitExceeded } from "../errors/error.js";
import { buildCheckpoints } from "./checkpoints.js";
import { partialPath } from "./durable-file.js";
import { buildParticipants } from "./participants.js";
import { indexName, memberType, parseIndex, type RecordingFileType } from "./session-files.js";
import { buildTimeline } from "./timeline.js";
import { readUstar } from "./ustar.js";

/** The file of an unpacked recording that holds the lines of all events files, in order. */
export const EVENTS_FILE = "events.jsonl";
/** The file of an unpacked recording that holds the session's output from its first byte. */
export const OUTPUT_FILE = "output";
/** The file of an unpacked recording that says when its output came; see timeline.ts. */
export const TIMELINE_FILE = "timeline";
/** The file of an unpacked recording that says from where its screens can be painted; see checkpoints.ts. */
export const CHECKPOINTS_FILE = "checkpoints";
/** The file of an unpacked recording that names who took part, written last; see participants.ts. */
export const PARTICIPANTS_FILE = "participants.json";

/** Bounds what a small archive may unpack to, so that a crafted one cannot fill the disk. */
const MAX_UNPACKED_BYTES = 64 * 1024 ** 3;

/**
 * Unpacks an archive into `target`, a directory that appears whole or not at all, as {@link EVENTS_FILE} and
 * {@link OUTPUT_FILE} with their indexes. Throws `corrupt` for an archive without a readable index.
 */
export async function unpackRecording(
  archive: AsyncIterable<Uint8Array>,
  sessionId: string,
  target: string,
): Promise<void> {
  await inPartialDirectory(target, async (partial) => {
    for await (const entry of readUstar(archive)) {
      if (memberType(sessionId, entry.name) === undefined) {
        throw corrupt(`the recording of session ${sessionId} has a foreign member`);
      }
      await pipeline(
        entry.content,
        createWriteStream(join(partial, entry.name), { flags: "wx", mode: 0o600 }),
      );
    }
    await flatten(partial, sessionId, partial);
    await removeMembers(partial, sessionId);
  });
}

/** Does the same from the files of a directory, such as the one where 4.2 keeps recordings unpacked. */
export async function unpackFiles(directory: string, sessionId: string, target: string): Promise<void> {
  await inPartialDirectory(target, (partial) => flatten(directory, sessionId, partial));
}

async function inPartialDirectory(target: string, fill: (partial: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const partial = partialPath(target);
  await mkdir(partial, { mode: 0o700 });
  try {
    await fill(partial);
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function flatten(source: string, sessionId: string, target: string): Promise<void> {
  const entries = parseIndex(sessionId, await readFile(join(source, indexName(sessionId)), "utf8"));
  if (entries === undefined) throw corrupt(`the recording of session ${sessionId} has a damaged index`);
  const files = (type: RecordingFileType): string[] =>
    entries
      .filter((entry) => entry.type === type)
      .sort((a, b) => a.index - b.index || a.offset - b.offset)
      .map((entry) => join(source, basename(entry.file_name)));
  await gunzipInto(files("events"), join(target, EVENTS_FILE));
  await gunzipInto(files("chunks"), join(target, OUTPUT_FILE));
  await buildTimeline(join(target, EVENTS_FILE), join(target, TIMELINE_FILE));
  await buildCheckpoints(join(target, OUTPUT_FILE), join(target, CHECKPOINTS_FILE));
  await buildParticipants(join(target, EVENTS_FILE), join(target, PARTICIPANTS_FILE));
}

async function gunzipInto(sources: readonly string[], target: string): Promise<void> {
  const content = async function* (): AsyncGenerator<Buffer> {
    let total = 0;
    for (const source of sources) {
      for await (const chunk of gunzipped(source)) {
        total += chunk.length;
        if (total > MAX_UNPACKED_BYTES)
          throw limitExceeded("the recording unpacks to more than can be played");
        yield chunk;
      }
    }
  };
  await pipeline(content, createWriteStream(target, { mode: 0o600 }));
}

/** A plain pipe would not pass on a failure to read, and the consumer would wait for ever. */
function gunzipped(path: string): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  connect(createReadStream(path), gunzip, () => undefined);
  return gunzip;
}

async function removeMembers(directory: string, sessionId: string): Promise<void> {
  const entries = parseIndex(sessionId, await readFile(join(directory, indexName(sessionId)), "utf8")) ?? [];
  for (const name of [indexName(sessionId), ...entries.map((entry) => entry.file_name)]) {
    await rm(join(directory, name), { force: true });
  }
}
