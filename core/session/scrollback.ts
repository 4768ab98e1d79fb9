const NEWLINE = 0x0a;

/** The last output of a terminal, for those who join late. */
export class Scrollback {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #cut = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Keeps the chunk itself, not a copy. */
  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) >= this.#limitBytes) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
      this.#cut = true;
    }
  }

  /**
   * At most the limit. Where older output has been dropped it starts with a whole line, so that no character and no
   * control sequence is cut in two; output without line ends is then left out altogether.
   */
  read(): Buffer {
    const all = Buffer.concat(this.#chunks);
    const start = Math.max(0, all.length - this.#limitBytes);
    if (!this.#cut && start === 0) return all;
    const newline = all.indexOf(NEWLINE, start);
    return newline < 0 ? Buffer.alloc(0) : all.subarray(newline + 1);
  }
}
