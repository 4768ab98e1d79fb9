import { link, mkdir, open, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { unavailable } from "../errors/error.js";
import type { Clock } from "../plugin/clock.js";
import { partialPath } from "./durable-file.js";
import { fileError } from "./file-error.js";
import { encodeFrame, FrameType, type Frame } from "./journal-frame.js";
import type { ProcessIdentity } from "./process-identity.js";

/** The first frame of a journal: whose recording it is and which process writes it. */
export interface JournalHeader {
  readonly version: 1;
  readonly sid: string;
  readonly namespace: string;
  readonly server_id: string;
  readonly writer: ProcessIdentity;
}

/** Output that waits for a slow disk beyond this fails the recording rather than filling the memory. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
/** Bytes that one system call writes at most, so that a waiting writer is never far from its turn. */
const MAX_WRITE_BYTES = 4 * 1024 * 1024;
const SYNC_INTERVAL_MS = 1000;

interface Pending {
  readonly buffers: Buffer[];
  readonly sizeBytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The append-only file that a recording is written to while its session runs.
 *
 * An append is in the kernel's hands when it resolves, so it outlives this process; it is synced to the disk at most
 * a second later. The first failure is final: every later append rejects with it.
 */
export class Journal {
  readonly path: string;
  /** Resolves with the first failure, also one that shows only when the disk is asked to keep what was written. */
  readonly failed: Promise<Error>;
  #tellFailure: (error: Error) => void = () => undefined;
  readonly #file: FileHandle;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  /** Whether bytes were written since the last sync. */
  #dirty = false;
  #failure: Error | undefined;

  private constructor(path: string, file: FileHandle, clock: Clock) {
    this.path = path;
    this.#file = file;
    this.#clock = clock;
    this.failed = new Promise((resolve) => {
      this.#tellFailure = resolve;
    });
  }

  /** Creates the file (0640; its directory 0750). It must not exist, and appears with its header already in it. */
  static async create(path: string, header: JournalHeader, clock: Clock): Promise<Journal> {
    const partial = partialPath(path);
    let file: FileHandle | undefined;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      file = await open(partial, "ax", 0o600);
      const payload = Buffer.from(JSON.stringify(header));
      await writeFully(file, encodeFrame({ type: FrameType.header, payload }));
      await link(partial, path);
      await rm(partial);
      return new Journal(path, file, clock);
    } catch (error) {
      await file?.close();
      await rm(partial, { force: true }).catch(() => undefined);
      throw fileError("create the recording", path, error);
    }
  }

  /** Appends a frame. Concurrent appends keep their order. */
  append(frame: Frame): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const buffers = encodeFrame(frame);
    const sizeBytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    if (this.#pendingBytes + sizeBytes > MAX_PENDING_BYTES) {
      this.#fail(unavailable(`cannot write the recording ${this.path}: the disk is too slow for the output`));
      return Promise.reject(this.#failure);
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ buffers, sizeBytes, resolve, reject });
      this.#pendingBytes += sizeBytes;
      this.#writing ??= this.#writeAll();
    });
  }

  /** Writes and syncs what is left, then closes the file. Rejects with the journal's failure. */
  async close(): Promise<void> {
    await this.#writing;
    this.#stop.abort();
    await this.#syncing;
    try {
      if (this.#failure === undefined) await this.#file.datasync();
    } catch (error) {
      this.#fail(fileError("write the recording", this.path, error));
    } finally {
      await this.#file.close();
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#failure = unavailable(`the recording ${this.path} is closed`);
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      try {
        await writeFully(
          this.#file,
          batch.flatMap((item) => item.buffers),
        );
      } catch (error) {
        this.#fail(fileError("write the recording", this.path, error));
      }
      for (const item of batch) {
        if (this.#failure === undefined) item.resolve();
        else item.reject(this.#failure);
      }
    }
    this.#writing = undefined;
    this.#dirty = true;
    this.#syncing ??= this.#syncAll();
  }

  #takeBatch(): Pending[] {
    let count = 0;
    let size = 0;
    for (const item of this.#pending) {
      if (count > 0 && size + item.sizeBytes > MAX_WRITE_BYTES) break;
      size += item.sizeBytes;
      count++;
    }
    this.#pendingBytes -= size;
    return this.#pending.splice(0, count);
  }

  /** Syncs what was written, at most once a second, until nothing is left to sync. */
  async #syncAll(): Promise<void> {
    while (this.#dirty && this.#failure === undefined) {
      try {
        await this.#clock.sleep(SYNC_INTERVAL_MS, this.#stop.signal);
      } catch {
        return; // close() syncs by itself.
      }
      this.#dirty = false;
      try {
        await this.#file.datasync();
      } catch (error) {
        this.#fail(fileError("write the recording", this.path, error));
      }
    }
    this.#syncing = undefined;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#tellFailure(this.#failure);
    const waiting = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    for (const item of waiting) item.reject(this.#failure);
  }
}

async function writeFully(file: FileHandle, buffers: Buffer[]): Promise<void> {
  const bytes = buffers.length === 1 && buffers[0] !== undefined ? buffers[0] : Buffer.concat(buffers);
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written)).bytesWritten;
  }
}
