/** The tar that a finished recording travels and is stored as (wire.md §9.3). */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { corrupt, notFound } from "../errors/error.js";
import { fileError } from "./file-error.js";
import { indexName, parseIndex } from "./session-files.js";
import { checkSessionId } from "./session-id.js";
import { BLOCK_BYTES, encodeHeader, END_OF_ARCHIVE, padding, type UstarMember } from "./ustar.js";

/** A finished recording, ready to be sent. */
export interface RecordingArchive {
  /** The exact size of the tar, for a Content-Length. */
  readonly sizeBytes: number;
  /** Streams the tar. May be called again after a failure. */
  stream(): AsyncIterable<Uint8Array>;
}

/**
 * Packs the finished recording of a session: the index, then its files in order, as USTAR with flat names, mode 0640
 * and owner root. Throws `not_found` without an index, `corrupt` where the index names what is not there.
 */
export async function openArchive(directory: string, sessionId: string): Promise<RecordingArchive> {
  checkSessionId(sessionId);
  const members = await listMembers(directory, sessionId);
  const content = members.reduce((sum, { sizeBytes }) => sum + BLOCK_BYTES + padded(sizeBytes), 0);
  return {
    sizeBytes: content + END_OF_ARCHIVE.length,
    stream: () => packMembers(directory, members),
  };
}

async function listMembers(directory: string, sessionId: string): Promise<UstarMember[]> {
  const index = indexName(sessionId);
  const entries = parseIndex(sessionId, await readIndex(directory, index));
  if (entries === undefined) throw corrupt(`the recording index ${join(directory, index)} cannot be read`);
  const names = [index, ...entries.map((entry) => entry.file_name)];
  return Promise.all(
    names.map(async (name) => {
      try {
        const { size, mtime } = await stat(join(directory, name));
        return { name, sizeBytes: size, modified: mtime };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
          throw fileError("read the recording", join(directory, name), error);
        }
        throw corrupt(`the recording of session ${sessionId} lacks its file ${name}`, { cause: error });
      }
    }),
  );
}

async function readIndex(directory: string, name: string): Promise<string> {
  try {
    return await readFile(join(directory, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notFound("the recording is not found");
    throw fileError("read the recording", join(directory, name), error);
  }
}

async function* packMembers(directory: string, members: readonly UstarMember[]): AsyncGenerator<Uint8Array> {
  for (const member of members) {
    yield encodeHeader(member);
    yield* readExactly(join(directory, member.name), member.sizeBytes);
    yield padding(member.sizeBytes);
  }
  yield END_OF_ARCHIVE;
}

async function* readExactly(path: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  if (sizeBytes === 0) return;
  let rest = sizeBytes;
  try {
    for await (const chunk of createReadStream(path, { end: sizeBytes - 1 }) as AsyncIterable<Buffer>) {
      rest -= chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw fileError("read the recording", path, error);
  }
  if (rest > 0) throw corrupt(`the recording file ${path} shrank while it was read`);
}

const padded = (bytes: number): number => bytes + padding(bytes).length;
