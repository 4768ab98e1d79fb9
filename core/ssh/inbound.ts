/** What a peer has sent on one data stream of a channel and nobody has read yet. */
import type { Readable } from "node:stream";

/** Packets smaller than this are copied together: kept as they are, each would hold its whole network buffer. */
const SMALL_BYTES = 4096;
const BLOCK_BYTES = 16 * 1024;

/**
 * Feeds a Readable as fast as it is read. `consumed` is told what the reader took, which is what opens the peer's window, so
 * at most one window plus the Readable's own buffer is ever held.
 */
export class InboundStream {
  readonly #target: Readable;
  readonly #consumed: (bytes: number) => void;
  readonly #waiting: Buffer[] = [];
  #block: Buffer | undefined;
  #blockUsed = 0;
  #wanted = false;
  #ended = false;
  #endPushed = false;

  constructor(target: Readable, consumed: (bytes: number) => void) {
    this.#target = target;
    this.#consumed = consumed;
  }

  /** Takes data of the peer. */
  receive(data: Buffer): void {
    if (this.#ended || data.length === 0) return;
    if (this.#wanted) {
      this.#push(data);
    } else if (data.length < SMALL_BYTES) {
      this.#append(data);
    } else {
      this.#sealBlock();
      this.#waiting.push(data);
    }
  }

  /** No more data will come. */
  end(): void {
    this.#ended = true;
    this.read(this.#wanted);
  }

  /** The Readable wants data: its `_read`. */
  read(wanted = true): void {
    this.#wanted = wanted;
    while (this.#wanted) {
      if (this.#waiting.length === 0) this.#sealBlock();
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#push(next);
    }
    if (this.#ended && !this.#endPushed && this.#waiting.length === 0 && this.#blockUsed === 0) {
      this.#endPushed = true;
      this.#target.push(null);
    }
  }

  #push(data: Buffer): void {
    this.#wanted = this.#target.push(data);
    this.#consumed(data.length);
  }

  #append(data: Buffer): void {
    if (this.#block !== undefined && this.#blockUsed + data.length > this.#block.length) this.#sealBlock();
    this.#block ??= Buffer.allocUnsafe(BLOCK_BYTES);
    this.#blockUsed += data.copy(this.#block, this.#blockUsed);
  }

  #sealBlock(): void {
    if (this.#block === undefined || this.#blockUsed === 0) return;
    this.#waiting.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = undefined;
    this.#blockUsed = 0;
  }
}
