/** The asciicast v2 format of asciinema: a JSON header line, then one JSON line for each piece of output or new size. */
import { StringDecoder } from "node:string_decoder";
import type { RecordedSize } from "../resources/timeline.js";

/** What the header of an asciicast tells. */
export interface AsciicastHeader {
  readonly size: RecordedSize;
  /** When the session began. */
  readonly started: Date | undefined;
  readonly title: string;
  /** Longer pauses are to be shortened to this. */
  readonly idleLimitMs?: number | undefined;
}

/** Encodes an asciicast line by line. */
export class AsciicastEncoder {
  /** Output may be cut within a character, which JSON cannot carry. */
  readonly #decoder = new StringDecoder("utf8");

  /** The first line. */
  header({ size, started, title, idleLimitMs }: AsciicastHeader): string {
    return line({
      version: 2,
      width: size.columns,
      height: size.rows,
      ...(started === undefined ? {} : { timestamp: Math.floor(started.getTime() / 1000) }),
      ...(idleLimitMs === undefined ? {} : { idle_time_limit: idleLimitMs / 1000 }),
      title,
      env: { TERM: "xterm" },
    });
  }

  /** A piece of output; empty where it holds no whole character. */
  output(elapsedMs: number, bytes: Uint8Array): string {
    const text = this.#decoder.write(Buffer.from(bytes));
    return text === "" ? "" : line([elapsedMs / 1000, "o", text]);
  }

  /** A new size of the terminal. */
  resize(elapsedMs: number, { columns, rows }: RecordedSize): string {
    return line([elapsedMs / 1000, "r", `${columns}x${rows}`]);
  }
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
