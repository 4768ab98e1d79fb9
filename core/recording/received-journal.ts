/** The journal of a session on another host, as that host sends it while the session runs. */
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { accessDenied, badParameter, compareFailed, limitExceeded, notFound } from "../errors/error.js";
import { checkEventLine, type ArchiveExpectation } from "./archive-check.js";
import { syncDirectory } from "./durable-file.js";
import { fileError } from "./file-error.js";
import { decodeFrames, FrameType } from "./journal-frame.js";
import type { JournalHeader } from "./journal.js";

const MAX_JOURNAL_BYTES = 16 * 1024 ** 3;

/**
 * Throws `bad_parameter` for bytes that are not whole, undamaged frames of this session by this host. The first bytes of a
 * journal (offset 0) begin with its header, and no others hold one.
 */
export async function checkReceived(
  bytes: Uint8Array,
  offset: number,
  expectation: ArchiveExpectation,
): Promise<void> {
  let mayBeHeader = offset === 0;
  const onTorn = (at: number): never => {
    throw badParameter(`a frame of the recording is damaged at byte ${offset + at}`);
  };
  for await (const frame of decodeFrames(once(bytes), onTorn)) {
    if ((frame.type === FrameType.header) !== mayBeHeader) {
      throw badParameter("the recording must begin with its header, and has no other");
    }
    if (mayBeHeader) checkHeader(frame.payload, expectation);
    else if (frame.type === FrameType.event) checkEventLine(frame.payload, expectation);
    mayBeHeader = false;
  }
  if (mayBeHeader) throw badParameter("the recording lacks its header");
}

/**
 * Writes bytes at an offset of the journal; no bytes are a sign of life. They are on the disk when it resolves. What was
 * received stays as it is: the same bytes may come again, others throw `access_denied`. Throws `compare_failed` for a
 * gap, and `not_found` where there is no such journal.
 */
export async function writeReceived(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  try {
    const file = await openAt(path, offset);
    try {
      await writeNew(file, offset, bytes);
    } finally {
      await file.close();
    }
    if (offset === 0) await syncDirectory(dirname(path));
  } catch (error) {
    if (offset > 0 && (error as NodeJS.ErrnoException).code === "ENOENT") {
      throw notFound("the recording is not under way here: it was finished, or another auth server has it");
    }
    throw fileError("write the recording", path, error);
  }
}

async function openAt(path: string, offset: number): Promise<FileHandle> {
  if (offset > 0) return open(path, "r+");
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return await open(path, "wx+", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return open(path, "r+");
    throw error;
  }
}

async function writeNew(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  const { size } = await file.stat();
  if (offset > size) throw compareFailed(`the recording has ${size} bytes here, and not ${offset}`);
  if (offset + bytes.length > MAX_JOURNAL_BYTES) {
    throw limitExceeded(`the recording is larger than ${MAX_JOURNAL_BYTES} bytes`);
  }
  const known = bytes.subarray(0, size - offset);
  if (!(await readAt(file, offset, known.length)).equals(known)) {
    throw accessDenied("the recording differs from what was received before");
  }
  for (let written = known.length; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
  }
  if (known.length < bytes.length) await file.datasync();
  else await file.utimes(new Date(), new Date());
}

async function readAt(file: FileHandle, offset: number, count: number): Promise<Buffer> {
  const buffer = Buffer.alloc(count);
  let filled = 0;
  while (filled < count) {
    const { bytesRead } = await file.read(buffer, filled, count - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function checkHeader(payload: Buffer, { sessionId, serverId, namespaces }: ArchiveExpectation): void {
  let header: Partial<JournalHeader> | null;
  try {
    header = JSON.parse(payload.toString("utf8")) as Partial<JournalHeader> | null;
  } catch (cause) {
    throw badParameter("the recording's header is not JSON", { cause });
  }
  const { version, sid, server_id: host, namespace } = header ?? {};
  if (version !== 1 || sid !== sessionId || host !== serverId || !namespaces.includes(namespace ?? "")) {
    throw badParameter("the recording's header names another session or another host than the sender");
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
