import type { AuthApi } from "../../auth/client/api.js";
import { unavailable } from "../../errors/error.js";

/** The most that the server gives at once. */
const CHUNK_BYTES = 5 * 1024 * 1024;

/** A recorded session's output, fetched as it is played: recordings can be larger than memory. */
export class SessionOutput {
  readonly #api: Pick<AuthApi, "getSessionChunk">;
  readonly #sessionId: string;
  #start = 0;
  #chunk: Uint8Array = new Uint8Array();

  constructor(api: Pick<AuthApi, "getSessionChunk">, sessionId: string) {
    this.#api = api;
    this.#sessionId = sessionId;
  }

  /** Yields a range in pieces. Throws `unavailable` where the recording ends before. */
  async *read(offset: number, sizeBytes: number): AsyncGenerator<Uint8Array, void, void> {
    for (let at = offset; at < offset + sizeBytes;) {
      if (at < this.#start || at >= this.#start + this.#chunk.length) {
        this.#chunk = await this.#api.getSessionChunk(this.#sessionId, at, CHUNK_BYTES);
        this.#start = at;
        if (this.#chunk.length === 0) throw unavailable("the recording ends before its last event");
      }
      const piece = this.#chunk.subarray(at - this.#start, offset + sizeBytes - this.#start);
      at += piece.length;
      yield piece;
    }
  }
}
