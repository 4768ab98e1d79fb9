import { Duplex } from "node:stream";

/** Two streams, each of which reads what the other writes, with back-pressure and half-close like a socket pair. */
export function duplexPair(): [Duplex, Duplex] {
  const a = new End();
  const b = new End();
  a.other = b;
  b.other = a;
  return [a, b];
}

class End extends Duplex {
  other: End | undefined;
  #resume: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const other = this.other;
    if (other === undefined || other.destroyed) done();
    else if (other.push(Buffer.from(chunk))) setImmediate(done);
    else other.#resume = done;
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.other;
    setImmediate(() => {
      if (other !== undefined && !other.destroyed) other.push(null);
    });
    done(error);
  }
}
