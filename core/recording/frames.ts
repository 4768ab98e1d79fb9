/** The frames of a recording, as its events tell them. */
import type { RecordedSize, SessionFrame } from "../resources/timeline.js";

/** Makes frames of recorded events, one after the other. */
export class FrameReader {
  #elapsedMs = 0;
  #offset = 0;

  /** The frame of an event; undefined for one that is neither output nor a size. */
  read(event: Readonly<Record<string, unknown>>): SessionFrame | undefined {
    if (event["event"] === "print") {
      // The clock of a host may step back; playback time must not.
      this.#elapsedMs = Math.max(this.#elapsedMs, natural(event["ms"]) ?? 0);
      const offset = natural(event["offset"]) ?? this.#offset;
      const bytes = natural(event["bytes"]) ?? 0;
      this.#offset = offset + bytes;
      return { elapsedMs: this.#elapsedMs, offset, bytes };
    }
    if (event["event"] !== "session.start" && event["event"] !== "resize") return undefined;
    const size = parseSize(event["size"]);
    return size && { elapsedMs: this.#elapsedMs, offset: this.#offset, bytes: 0, size };
  }
}

function natural(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

/** Reads `W:H`. */
function parseSize(value: unknown): RecordedSize | undefined {
  const [, columns, rows] = (typeof value === "string" ? /^(\d{1,5}):(\d{1,5})$/.exec(value) : null) ?? [];
  const size = { columns: Number(columns), rows: Number(rows) };
  const fits = (length: number): boolean => length > 0 && length <= 0xffff;
  return fits(size.columns) && fits(size.rows) ? size : undefined;
}
