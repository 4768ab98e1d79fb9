import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  badParameter,
  CodedError,
  notFound,
  unavailable,
  type RecordingStore,
  type StoredRecording,
} from "@teleport/plugin";

/** A store that has a directory to prepare. */
export interface FileStore extends RecordingStore {
  /** Creates the directory (0700) and removes what uploads of an earlier run left unfinished. */
  start(): Promise<void>;
}

const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PARTIAL = /\.tar\.[0-9a-f]{12}\.partial$/;
/** Another process may be at work on a younger one: two run during a restart. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** A store of one tar file (0600) per session in a directory. */
export function createFileStore(directory: string): FileStore {
  return new DirectoryStore(directory);
}

class DirectoryStore implements FileStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async start(): Promise<void> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      for (const name of await readdir(this.#directory)) {
        if (PARTIAL.test(name)) await this.#removeAbandoned(join(this.#directory, name));
      }
    } catch (error) {
      throw storeError("use the recording directory", this.#directory, error);
    }
  }

  async upload(sessionId: string, archive: AsyncIterable<Uint8Array>): Promise<StoredRecording> {
    const path = this.#path(sessionId);
    const partial = `${path}.${randomBytes(6).toString("hex")}.partial`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      const { sizeBytes, sha256 } = await writeAll(partial, archive);
      await rename(partial, path);
      await syncDirectory(this.#directory);
      return { url: pathToFileURL(path).href, sizeBytes, sha256 };
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined);
      throw storeError("store the recording", path, error);
    }
  }

  async *download(sessionId: string): AsyncGenerator<Uint8Array> {
    const path = this.#path(sessionId);
    try {
      for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) yield chunk;
    } catch (error) {
      throw storeError("read the recording", path, error);
    }
  }

  async stat(sessionId: string): Promise<StoredRecording> {
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for await (const chunk of this.download(sessionId)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    return { url: pathToFileURL(this.#path(sessionId)).href, sizeBytes, sha256: hash.digest("hex") };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Only a UUID becomes part of a path. */
  #path(sessionId: string): string {
    if (!SESSION_ID.test(sessionId)) throw badParameter("a session ID must be a lower-case UUID");
    return join(this.#directory, `${sessionId}.tar`);
  }

  async #removeAbandoned(path: string): Promise<void> {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}

async function writeAll(
  path: string,
  content: AsyncIterable<Uint8Array>,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      await writeFully(file, chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

async function writeFully(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length;) written += (await file.write(chunk, written)).bytesWritten;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function storeError(action: string, path: string, error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  // A failure of the sender is its own: only errors of the file system are the store's.
  if (typeof code !== "string" || (error as NodeJS.ErrnoException).syscall === undefined) return error;
  if (code === "ENOENT" && action.startsWith("read"))
    return notFound("the recording is not found", { cause: error });
  const reason =
    code === "ENOSPC" || code === "EDQUOT" ? "no space left on the device; free some disk space" : code;
  return unavailable(`cannot ${action} ${path}: ${reason}`, { cause: error });
}
