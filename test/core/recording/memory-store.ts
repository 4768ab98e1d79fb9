import { createHash } from "node:crypto";
import { notFound } from "../../../core/errors/error.js";
import type { RecordingStore, StoredRecording } from "../../../core/plugin/recording.js";
import { collect } from "./recorded.js";

/** A recording store in memory that counts its downloads. */
export class MemoryRecordingStore implements RecordingStore {
  readonly archives = new Map<string, Buffer>();
  downloads = 0;

  async upload(sessionId: string, archive: AsyncIterable<Uint8Array>): Promise<StoredRecording> {
    this.archives.set(sessionId, await collect(archive));
    return this.stat(sessionId);
  }

  async *download(sessionId: string): AsyncGenerator<Uint8Array> {
    this.downloads++;
    yield this.#get(sessionId);
  }

  async stat(sessionId: string): Promise<StoredRecording> {
    const bytes = this.#get(sessionId);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { url: `memory:///${sessionId}.tar`, sizeBytes: bytes.length, sha256 };
  }

  async close(): Promise<void> {}

  #get(sessionId: string): Buffer {
    const bytes = this.archives.get(sessionId);
    if (bytes === undefined) throw notFound("the recording is not found");
    return bytes;
  }
}
