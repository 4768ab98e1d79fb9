import { unavailable } from "../../errors/error.js";
import type { RecordingSource } from "./play/source.js";

/** The most that the server gives at once. */
const CHUNK_BYTES = 5 * 1024 * 1024;
/** What is fetched first at a new place, so that a seek shows something soon. */
const FIRST_BYTES = 256 * 1024;

/** A recorded session's output, fetched as it is played: recordings can be larger than memory. */
export class SessionOutput {
  readonly #source: Pick<RecordingSource, "chunk">;
  #start = 0;
  #chunk: Uint8Array = new Uint8Array();

  constructor(source: Pick<RecordingSource, "chunk">) {
    this.#source = source;
  }

  /** Yields a range in pieces. Throws `unavailable` where the recording ends before. */
  async *read(offset: number, sizeBytes: number): AsyncGenerator<Uint8Array, void, void> {
    for (let at = offset; at < offset + sizeBytes;) {
      const end = this.#start + this.#chunk.length;
      if (at < this.#start || at >= end) {
        const ahead = at === end && at > 0 ? CHUNK_BYTES : Math.max(FIRST_BYTES, offset + sizeBytes - at);
        this.#chunk = await this.#source.chunk(at, Math.min(CHUNK_BYTES, ahead));
        this.#start = at;
        if (this.#chunk.length === 0) throw unavailable("the recording ends before its last event");
      }
      const piece = this.#chunk.subarray(at - this.#start, offset + sizeBytes - this.#start);
      at += piece.length;
      yield piece;
    }
  }
}
