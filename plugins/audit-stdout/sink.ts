import type { Writable } from "node:stream";
import { unavailable, type AuditEvent, type AuditSink } from "@teleport/plugin";

/**
 * Writes events to a stream as JSON lines, fields in the order the emitter gives them. An event counts as recorded
 * when the stream has passed it to the system, so a reader that stalls holds the emitters back, and one that has gone
 * (EPIPE) fails them. The stream is not closed: it belongs to the process.
 */
export function createStreamAuditSink(stream: Writable): AuditSink {
  return new StreamSink(stream);
}

class StreamSink implements AuditSink {
  readonly #stream: Writable;
  readonly #underWay = new Set<Promise<void>>();
  #closed = false;
  /** Without a listener the stream's error event would end the process; each write reports its own failure. */
  readonly #onError = (): void => undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", this.#onError);
  }

  emit(batch: readonly AuditEvent[]): Promise<void> {
    if (this.#closed) return Promise.reject(unavailable("the audit log on standard output is closed"));
    const lines = batch.map((event) => `${JSON.stringify(event)}\n`).join("");
    const writing = new Promise<void>((resolve, reject) => {
      this.#stream.write(lines, (error) => {
        if (error)
          reject(
            unavailable(`cannot write audit events to standard output: ${reason(error)}`, { cause: error }),
          );
        else resolve();
      });
    });
    this.#track(writing);
    return writing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    this.#stream.off("error", this.#onError);
  }

  #track(writing: Promise<void>): void {
    this.#underWay.add(writing);
    const done = (): void => void this.#underWay.delete(writing);
    writing.then(done, done);
  }
}

function reason(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" ? "its reader has gone away" : error.message;
}
